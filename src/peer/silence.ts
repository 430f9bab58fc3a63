// When a neighbour counts as gone. Pure: it is told of every sign of life and of every tick, and counts
// only time in which this process was able to listen, so that a stall of our own loop (a garbage
// collection, a busy machine, a suspended laptop) is never blamed on the peer.

import { every, type Clock, type Timer } from '../base/clock.ts'

/** How often links look at their peers. Small beside the limit, so that it adds little to it. */
export const TICK_MS = 125

/** Ticks between two pings: one each 250 ms, so that four in a row must be missing. */
export const PING_TICKS = 2

/**
 * Silence after which a peer is gone. With one tick and one ping period on top it stays below 1.5 s;
 * shorter would flag a peer whose machine is busy for some hundred ms, as small ones are.
 */
export const SILENCE_LIMIT_MS = 1200

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
  #silentMs = 0

  /** Any byte of the peer is a sign of life. */
  heard(): void {
    this.#silentMs = 0
  }

  /** @returns whether the peer has been silent for longer than `limitMs`. */
  tick(listenedMs: number, limitMs: number = SILENCE_LIMIT_MS): boolean {
    this.#silentMs += listenedMs
    return this.#silentMs > limitMs
  }
}
