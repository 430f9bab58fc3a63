// Flow A, serving side: which sessions' steps run together next on this stage, one step at a time.
// Decode steps and prefill chunks wait in two lines. A step takes every token that is there and so much of
// the prompts as these bear (prompt-share.ts), so that the weights are read once for all. A token that came
// too late for a step with prompts in it goes in the next one, without prompts: no token waits for more than
// one chunk, whether behind it or in its company, and prompts move on however many others decode. Tokens
// alone may wait a moment for their company (gathering.ts). Knows neither steps nor sessions, only who waits,
// how long their work is and who may share a step.

import { Gathering, type Way } from './gathering.ts'
import { PromptShare, SHARED_CHUNK_TOKENS_MIN, type Share } from './prompt-share.ts'

import type { Clock, Timer } from '../base/clock.ts'

export type WorkKind = 'prefill' | 'decode'

export interface SchedulerOptions<T> {
  /** One step of these items, each with so many positions of its prompt at most; it must not reject. */
  run: (items: T[], promptTokens: number) => Promise<void>
  /** Positions of an item's next work. */
  tokensOf: (item: T) => number
  /** Items of one group may share a step. */
  groupOf: (item: T) => string
  /** Of an item's next token. */
  wayOf: (item: T) => Way
  /** Positions of prompts in one step at most. */
  chunkTokens: () => number
  clock: Clock
}

const NO_PROMPTS: Share = { promptTokens: 0, holdMs: 0 }

export class Scheduler<T> {
  readonly #options: SchedulerOptions<T>
  #decode: T[] = []
  #prefill: T[] = []
  /** Those of the decode line that have waited for a chunk: they go before the next one. */
  #owed = new Set<T>()
  #isRunning = false
  readonly #gathering = new Gathering<T>()
  readonly #share: PromptShare<T>
  /** Runs while prompts wait for a token that is expected. */
  #holding: Timer | null = null
  /** Runs while tokens wait for their company. */
  #wait: Timer | null = null
  #isWaitOver = false

  constructor(options: SchedulerOptions<T>) {
    this.#options = options
    this.#share = new PromptShare(options.chunkTokens)
  }

  /** Joins the end of a line. The caller sees to it that an item waits once. */
  push(item: T, kind: WorkKind): void {
    if (kind === 'decode') {
      this.#decode.push(item)
      this.#share.arrived(item, this.#options.clock.now())
    } else this.#prefill.push(item)
    if (!this.#isRunning) void this.#runAll()
  }

  /** No token of this item will come for a while. */
  ended(item: T): void {
    this.#gathering.forget(item)
    this.#share.forget(item)
  }

  remove(item: T): void {
    this.ended(item)
    this.#owed.delete(item)
    this.#decode = this.#decode.filter((other) => other !== item)
    this.#prefill = this.#prefill.filter((other) => other !== item)
  }

  async #runAll(): Promise<void> {
    const { clock, groupOf, wayOf } = this.#options
    this.#isRunning = true
    this.#holding?.cancel()
    for (;;) {
      const [owed] = this.#owed
      const leader = owed ?? this.#prefill[0] ?? this.#decode[0]
      if (leader === undefined) break
      const group = groupOf(leader)
      const promptsWaited = this.#prefill.length > 0
      const share = owed === undefined && promptsWaited ? this.#shareOf(group) : NO_PROMPTS
      if (share.holdMs > 0 ? this.#hold(share.holdMs) : this.#waits(group)) break
      this.#endWait()
      const { prompts, promptTokens } = this.#takePrompts(group, share.promptTokens)
      const streams = this.#takeTokens(group)
      const items = [...prompts, ...streams]
      const way = wayOf(leader)
      const startedMs = clock.now()
      await this.#options.run(items, Math.max(share.promptTokens, SHARED_CHUNK_TOKENS_MIN))
      const tookMs = clock.now() - startedMs
      const back = streams.filter((item) => this.#decode.includes(item))
      const step = { group, streams, back, promptTokens, promptsWaited, startedMs, tookMs }
      this.#share.note(step)
      if (prompts.length === 0) {
        this.#gathering.note(items, group, way, startedMs, tookMs)
        continue
      }
      // Who was in the step and is back already has not waited for it.
      this.#owed = new Set(this.#decode.filter((item) => !items.includes(item)))
    }
    this.#isRunning = false
  }

  /** Positions of prompts for a step of this group that no token is owed. */
  #shareOf(group: string): Share {
    const { clock, groupOf } = this.#options
    if (this.#decode.length === 0) return this.#share.withoutTokens(group, clock.now())
    const isBeside = this.#decode.some((item) => groupOf(item) === group)
    if (isBeside && this.#share.isPlainDue(group)) return NO_PROMPTS
    return { promptTokens: this.#share.besideTokens(group), holdMs: 0 }
  }

  /** Prompts alone wait for a token that is about to come; that token, or the end of the wait, begins. */
  #hold(holdMs: number): true {
    this.#holding = this.#options.clock.after(holdMs, () => {
      if (!this.#isRunning) void this.#runAll()
    })
    return true
  }

  /** Whether tokens that are alone wait for others; the last of these, or the end of the wait, begins. */
  #waits(group: string): boolean {
    const { clock, groupOf, wayOf } = this.#options
    // Whoever waited for a chunk, or beside one, has waited enough; and nobody waits for another group.
    if (this.#owed.size > 0 || this.#prefill.length > 0) return false
    if (this.#decode.some((item) => groupOf(item) !== group)) return false
    const waitMs = this.#gathering.waitMs(group, this.#decode.map(wayOf), clock.now())
    if (waitMs === 0 || this.#isWaitOver) return false
    this.#wait ??= clock.after(waitMs, () => {
      this.#isWaitOver = true
      if (!this.#isRunning) void this.#runAll()
    })
    return true
  }

  #endWait(): void {
    this.#wait?.cancel()
    this.#wait = null
    this.#isWaitOver = false
  }

  /** Chunks in the order of their line: as much of the first as fits, and those that fit whole beside it. */
  #takePrompts(group: string, limit: number): { prompts: T[]; promptTokens: number } {
    const { tokensOf, groupOf } = this.#options
    let promptTokens = 0
    const prompts = this.#prefill.filter((item) => {
      const after = promptTokens + Math.min(tokensOf(item), limit)
      if (groupOf(item) !== group || after > limit || limit === 0) return false
      promptTokens = after
      return true
    })
    this.#prefill = this.#prefill.filter((item) => !prompts.includes(item))
    return { prompts, promptTokens }
  }

  #takeTokens(group: string): T[] {
    const isTaken = (item: T) => this.#options.groupOf(item) === group
    const taken = this.#decode.filter(isTaken)
    for (const item of taken) this.#owed.delete(item)
    this.#decode = this.#decode.filter((item) => !isTaken(item))
    return taken
  }
}
