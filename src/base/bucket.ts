// Bounds a rate: a bucket that fills steadily and is emptied by what happens. Pure but for the clock it
// is given. Used per peer and per kind of message, so that one peer cannot take another's share.

import type { Clock } from './clock.ts'

export class Bucket {
  #clock: Clock
  #perSecond: number
  #burst: number
  #level: number
  #filledMs: number

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
    this.#level = burst
    this.#filledMs = clock.now()
  }

  /** @returns false when there is not enough left; then nothing was taken. */
  take(count = 1): boolean {
    this.#fill()
    if (this.#level < count) return false
    this.#level -= count
    return true
  }

  /** @returns how many of `count` there were; so many are taken. */
  takeUpTo(count: number): number {
    this.#fill()
    const taken = Math.min(count, Math.floor(this.#level))
    this.#level -= taken
    return taken
  }

  #fill(): void {
    const nowMs = this.#clock.now()
    const gained = ((nowMs - this.#filledMs) / 1000) * this.#perSecond
    this.#level = Math.min(this.#burst, this.#level + gained)
    this.#filledMs = nowMs
  }
}
