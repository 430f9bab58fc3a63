// Flow A, first stage: the drafts of one session. Joins what may follow (prompt-lookup.ts) with whether it
// is worth computing (draft-length.ts), and keeps the step that is under way: its guess is judged by the
// tokens that come. Reads no clock and sends nothing: hosted-session.ts does the steps.

import { DRAFT_TOKENS_MAX } from '../base/limits.ts'
import { DraftLength } from './draft-length.ts'
import { PromptLookup, type Guess } from './prompt-lookup.ts'

interface Step {
  guess: Guess | null
  drafted: number
  startedMs: number
}

export class Drafter {
  readonly #lookup = new PromptLookup()
  readonly #length = new DraftLength()
  #step: Step | null = null

  /** Ids of the prompt, or of an answer that goes on elsewhere; the step under way is void. */
  learn(position: number, ids: Iterable<number>): void {
    this.#step = null
    this.#lookup.put(position, ids)
  }

  /** Ids of positions [0, end), as far as they are known. */
  idsUpTo(end: number): readonly number[] {
    return this.#lookup.idsUpTo(end)
  }

  /** The tokens of the step under way. */
  answered(position: number, ids: readonly number[], nowMs: number): void {
    this.#lookup.put(position, ids)
    const step = this.#step
    this.#step = null
    if (step === null) return
    const { guess, drafted, startedMs } = step
    const guessed = guess?.ids ?? []
    // Of more tokens than were guessed the last one says nothing.
    const compared = Math.min(guessed.length, ids.length)
    let right = 0
    while (right < compared && guessed[right] === ids[right]) right++
    this.#length.observe({
      matched: guess?.matched ?? 0,
      drafted,
      right,
      isWrong: right < compared,
      tokens: ids.length,
      elapsedMs: nowMs - startedMs
    })
  }

  /**
   * Begins a step behind the last id that was learnt.
   * @param most ids that the answer has room for. @param stopIds end an answer, so they are never drafted.
   * @returns ids to compute behind it; often none.
   */
  draft(most: number, stopIds: readonly number[], nowMs: number): Int32Array {
    const guess = this.#lookup.guess(DRAFT_TOKENS_MAX)
    const stop = guess?.ids.findIndex((id) => stopIds.includes(id)) ?? -1
    const room = Math.min(most, stop < 0 ? DRAFT_TOKENS_MAX : stop)
    const drafted = guess === null ? 0 : this.#length.choose(guess.matched, room)
    this.#step = { guess, drafted, startedMs: nowMs }
    return Int32Array.from(guess?.ids.slice(0, drafted) ?? [])
  }
}
