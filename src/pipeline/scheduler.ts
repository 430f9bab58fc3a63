// Flow A, serving side: which sessions' steps run together next on this stage, one step at a time.
// Decode steps and prefill chunks wait in two lines. A step takes every token that is there and so much of
// the prompts as these bear (prompt-share.ts), so that the weights are read once for all. A token that came
// too late for a step with prompts in it goes in the next one, without prompts: no token waits for more than
// one chunk, whether behind it or in its company, and prompts move on however many others decode. Tokens
// alone may wait a moment for their company (gathering.ts). Knows neither steps nor sessions, only who waits,
// how long their work is and who may share a step.

import { Gathering } from './gathering.ts'
import { PromptShare, SHARED_CHUNK_TOKENS_MIN } from './prompt-share.ts'

import type { Clock, Timer } from '../base/clock.ts'

export type WorkKind = 'prefill' | 'decode'

export interface SchedulerOptions<T> {
  /** One step of these items, each with so many positions of its prompt at most; it must not reject. */
  run: (items: T[], promptTokens: number) => Promise<void>
  /** Positions of an item's next work. */
  tokensOf: (item: T) => number
  /** Items of one group may share a step. */
  groupOf: (item: T) => string
  /** Stages that a token of this item visits before it is back here. */
  nStagesOf: (item: T) => number
  clock: Clock
}

const NO_PROMPTS = { prompts: [], promptTokens: 0 }

export class Scheduler<T> {
  readonly #options: SchedulerOptions<T>
  #decode: T[] = []
  #prefill: T[] = []
  /** Those of the decode line that have waited for a chunk: they go before the next one. */
  #owed = new Set<T>()
  #isRunning = false
  readonly #gathering = new Gathering<T>()
  readonly #share = new PromptShare<T>()
  /** Runs while tokens wait for their company. */
  #wait: Timer | null = null
  #isWaitOver = false

  constructor(options: SchedulerOptions<T>) {
    this.#options = options
  }

  /** Joins the end of a line. The caller sees to it that an item waits once. */
  push(item: T, kind: WorkKind): void {
    if (kind === 'decode') this.#decode.push(item)
    else this.#prefill.push(item)
    if (!this.#isRunning) void this.#runAll()
  }

  remove(item: T): void {
    this.#gathering.forget(item)
    this.#share.forget(item)
    this.#owed.delete(item)
    this.#decode = this.#decode.filter((other) => other !== item)
    this.#prefill = this.#prefill.filter((other) => other !== item)
  }

  async #runAll(): Promise<void> {
    const { clock } = this.#options
    this.#isRunning = true
    for (;;) {
      const [owed] = this.#owed
      const leader = owed ?? this.#prefill[0] ?? this.#decode[0]
      if (leader === undefined) break
      const group = this.#options.groupOf(leader)
      if (this.#waits(leader, group)) break
      const startedMs = clock.now()
      const limit = this.#promptLimit(group, startedMs)
      const promptsWaited = this.#prefill.length > 0
      const { prompts, promptTokens } =
        owed === undefined && limit > 0 ? this.#takePrompts(group, limit) : NO_PROMPTS
      const streams = this.#takeTokens(group)
      const items = [...prompts, ...streams]
      await this.#options.run(items, Math.max(limit, SHARED_CHUNK_TOKENS_MIN))
      const tookMs = clock.now() - startedMs
      this.#share.note({ group, streams, promptTokens, promptsWaited, startedMs, tookMs })
      if (prompts.length === 0) {
        this.#gathering.note(items, group, startedMs, tookMs)
        continue
      }
      // Who was in the step and is back already has not waited for it.
      this.#owed = new Set(this.#decode.filter((item) => !items.includes(item)))
    }
    this.#isRunning = false
  }

  /** Positions of prompts that the next step may have; 0: tokens that wait go alone. */
  #promptLimit(group: string, nowMs: number): number {
    const waiting = this.#decode.map((item) => this.#options.groupOf(item))
    if (waiting.includes(group) && this.#share.isPlainDue(group)) return 0
    return this.#share.tokensFor(group, waiting, nowMs)
  }

  /** Whether tokens that are alone wait for others; the last of these, or the end of the wait, begins. */
  #waits(leader: T, group: string): boolean {
    const { clock, groupOf, nStagesOf } = this.#options
    const nWaiting = this.#decode.filter((item) => groupOf(item) === group).length
    // Whoever waited for a chunk, or beside one, has waited enough; and nobody waits for another group.
    const isFirst = this.#owed.size === 0 && this.#prefill.length === 0
    if (!isFirst || nWaiting < this.#decode.length) return this.#endWait()
    const waitMs = this.#gathering.waitMs(group, nWaiting, nStagesOf(leader), clock.now())
    if (waitMs === 0 || this.#isWaitOver) return this.#endWait()
    this.#wait ??= clock.after(waitMs, () => {
      this.#isWaitOver = true
      if (!this.#isRunning) void this.#runAll()
    })
    return true
  }

  #endWait(): false {
    this.#wait?.cancel()
    this.#wait = null
    this.#isWaitOver = false
    return false
  }

  /** Chunks in the order of their line: as much of the first as fits, and those that fit whole beside it. */
  #takePrompts(group: string, limit: number): { prompts: T[]; promptTokens: number } {
    const { tokensOf, groupOf } = this.#options
    let promptTokens = 0
    const prompts = this.#prefill.filter((item) => {
      const after = promptTokens + Math.min(tokensOf(item), limit)
      if (groupOf(item) !== group || after > limit) return false
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
