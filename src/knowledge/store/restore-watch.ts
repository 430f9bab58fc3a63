// How long we wait for a log of ours to come back from peers: one deadline, and those who want to write
// waiting for it or for a change. Knows nothing of logs.

import type { Clock } from '../../base/clock.ts'

/** A claim of a peer runs out without an event. */
const LOOK_MS = 1000

export class RestoreWatch {
  readonly #clock: Clock
  readonly #limitMs: number
  #deadlineMs: number | null = null
  #waiting: (() => void)[] = []
  #changes = 0

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock
    this.#limitMs = limitMs
  }

  get isWaiting(): boolean {
    return this.#deadlineMs !== null
  }

  /** From now on the time runs; no effect while it does. */
  begin(): void {
    this.#deadlineMs ??= this.#clock.now() + this.#limitMs
  }

  /** The log is back, or given up. */
  reset(): void {
    this.#deadlineMs = null
    this.stir()
  }

  /** Of changes so far: taken before one looks, it tells whether something changed since. */
  get changes(): number {
    return this.#changes
  }

  /** Something has changed: whoever waits looks again. */
  stir(): void {
    this.#changes++
    for (const go of this.#waiting.splice(0)) go()
  }

  /**
   * @param seen changes when one looked.
   * @returns true when it is time to look again, false when all the time is over.
   */
  async wait(seen: number): Promise<boolean> {
    this.begin()
    if (this.#changes > seen) return true
    const leftMs = (this.#deadlineMs ?? 0) - this.#clock.now()
    if (leftMs <= 0) return false
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(Math.min(leftMs, LOOK_MS), resolve)
      this.#waiting.push(() => {
        timer.cancel()
        resolve()
      })
    })
    return true
  }
}
