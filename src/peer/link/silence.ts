// When a neighbour counts as gone. Pure: it is told of every sign of life and of every tick, and counts
// only time in which this process was able to listen, so that a stall of our own loop (a garbage
// collection, a busy machine, a suspended laptop) is never blamed on the peer.

import { every, type Clock, type Timer } from '../../base/clock.ts'

/** How often links look at their peers. Small beside the limit, so that it adds little to it. */
export const TICK_MS = 125

/** Ticks between two pings: one each 250 ms, so that four in a row must be missing. */
export const PING_TICKS = 2

/**
 * Silence after which a peer is gone: with one tick on top it is noticed within 1.5 s. Less one ping
 * period, it is what a peer's own machine may stall before we give it up: 1.1 s, since small and busy
 * ones do stall for some hundred ms.
 */
export const SILENCE_LIMIT_MS = 1350

/**
 * The part of the time between two ticks in which a peer could have been heard. A tick that comes late
 * by more than a period means that we were away; what was sent meanwhile is still unread.
 */
export function listenedMs(sinceLastTickMs: number): number {
  return Math.min(Math.max(sinceLastTickMs, 0), 2 * TICK_MS)
}

/** Like clock.after, but counts only time in which this process was able to listen. */
export function afterListening(clock: Clock, delayMs: number, fn: () => void): Timer {
  let lastMs = clock.now()
  let waitedMs = 0
  const timer = every(clock, TICK_MS, () => {
    const nowMs = clock.now()
    waitedMs += listenedMs(nowMs - lastMs)
    lastMs = nowMs
    if (waitedMs < delayMs) return
    timer.cancel()
    fn()
  })
  return timer
}

export class Silence {
  #heardMs: number
  #silentMs = 0

  constructor(nowMs: number) {
    this.#heardMs = nowMs
  }

  /** Any byte of the peer is a sign of life. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs
    this.#silentMs = 0
  }

  /**
   * @param listenedMs of the time since the last tick.
   * @returns whether the peer has been silent for longer than the limit.
   */
  tick(listenedMs: number, nowMs: number): boolean {
    this.#silentMs = Math.min(this.#silentMs + listenedMs, nowMs - this.#heardMs)
    return this.#silentMs > SILENCE_LIMIT_MS
  }
}
