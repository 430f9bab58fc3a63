// Flow A, serving side: which sessions' steps run together next on this stage, one step at a time.
// Decode steps and prefill chunks wait in two lines. A step takes a chunk's worth of prompts and every
// token that is there, so that the weights are read once for all. A token that came too late for a step
// with prompts in it goes in the next one, without prompts: no token waits for more than one chunk,
// whether behind it or in its company, and prompts move on however many others decode. Tokens alone may
// wait a moment for their company (gathering.ts). Knows neither steps nor sessions, only who waits, how
// long their work is and who may share a step.

import { Gathering } from './gathering.ts'

import type { Clock, Timer } from '../base/clock.ts'

export type WorkKind = 'prefill' | 'decode'

/**
 * Positions of prompts in one step: large enough that it is bound by arithmetic and not by reading
 * weights, small enough that a token waits for tens of milliseconds, not for seconds.
 */
export const PREFILL_CHUNK_TOKENS = 128

export interface SchedulerOptions<T> {
  /** One step of these items; it must not reject. */
  run: (items: T[]) => Promise<void>
  /** Positions of an item's next work. */
  tokensOf: (item: T) => number
  /** Items of one group may share a step. */
  groupOf: (item: T) => string
  /** Stages that a token of this item visits before it is back here. */
  nStagesOf: (item: T) => number
  clock: Clock
}

export class Scheduler<T> {
  readonly #options: SchedulerOptions<T>
  #decode: T[] = []
  #prefill: T[] = []
  /** Those of the decode line that have waited for a chunk: they go before the next one. */
  #owed = new Set<T>()
  #isRunning = false
  readonly #gathering = new Gathering<T>()
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
      const prompts = owed === undefined ? this.#takePrompts(group) : []
      const items = [...prompts, ...this.#takeTokens(group)]
      const startedMs = clock.now()
      await this.#options.run(items)
      if (prompts.length === 0) {
        this.#gathering.note(items, group, startedMs, clock.now() - startedMs)
        continue
      }
      // Who was in the step and is back already has not waited for it.
      this.#owed = new Set(this.#decode.filter((item) => !items.includes(item)))
    }
    this.#isRunning = false
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

  /** Chunks in the order of their line, until a whole chunk's worth of positions is together. */
  #takePrompts(group: string): T[] {
    const { tokensOf, groupOf } = this.#options
    let nTokens = 0
    const taken = this.#prefill.filter((item) => {
      const after = nTokens + tokensOf(item)
      if (groupOf(item) !== group || (nTokens > 0 && after > PREFILL_CHUNK_TOKENS)) return false
      nTokens = after
      return true
    })
    this.#prefill = this.#prefill.filter((item) => !taken.includes(item))
    return taken
  }

  #takeTokens(group: string): T[] {
    const isTaken = (item: T) => this.#options.groupOf(item) === group
    const taken = this.#decode.filter(isTaken)
    for (const item of taken) this.#owed.delete(item)
    this.#decode = this.#decode.filter((item) => !isTaken(item))
    return taken
  }
}
