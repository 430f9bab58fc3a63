// Flow B, the origin dies too: what a stage knows of one answer, so that another peer can finish it. The
// origin tells the prompt and what was chosen before an epoch; stages that see tokens go by (the first and
// the last) add them. Tokens that are missing here cost time, never the answer: whoever attaches computes
// them again, to the bit. Owns ids and nothing else; who may have them is session-logs.ts's to say.

import { LOG_CHUNK_IDS_MAX } from '../base/limits.ts'
import { SwarmError } from '../base/errors.ts'

import type { LogHead, LogMessage, TokenMessage } from '../wire/session.ts'

export class SessionLog {
  readonly #head: LogHead
  #logitsHash: string
  #ids: number[] = []
  #isOver = false

  /** @param head as the origin told it; its ids follow. */
  constructor({ promptTokens, endTokens, logitsHash, stops, isAtStart }: LogHead) {
    this.#head = { promptTokens, endTokens, logitsHash, stops, isAtStart }
    this.#logitsHash = logitsHash
  }

  /** All that the origin told has come, so that this log can be given on. */
  get isWhole(): boolean {
    return this.#ids.length >= this.#head.endTokens
  }

  /** The answer's last token is in it. */
  get isOver(): boolean {
    return this.#isOver
  }

  get head(): LogHead {
    const endTokens = this.#ids.length
    return { ...this.#head, endTokens, logitsHash: this.#logitsHash }
  }

  /** Ids here. */
  get length(): number {
    return this.#ids.length
  }

  /** The next part of what the origin tells. @throws STAGE_POSITION_GAP */
  add({ position, ids, endTokens }: LogMessage): void {
    if (position !== this.#ids.length || position + ids.length > this.#head.endTokens) {
      const text = `ids of a log came at ${position} of ${endTokens} where ${this.#ids.length} was due`
      throw new SwarmError('STAGE_POSITION_GAP', text)
    }
    for (const id of ids) this.#ids.push(id)
  }

  /** Tokens that went by. What is not the next is left out, and all behind it. */
  note({ position, tokens, finish }: TokenMessage): boolean {
    if (!this.isWhole || position !== this.#ids.length) return false
    for (const { id, logitsHash } of tokens) {
      this.#ids.push(id)
      this.#logitsHash = logitsHash
    }
    this.#isOver = finish !== 'none'
    return true
  }

  /** As many ids from `position` on as one message takes; none behind the end. */
  slice(position: number): Int32Array {
    return Int32Array.from(this.#ids.slice(position, position + LOG_CHUNK_IDS_MAX))
  }
}
