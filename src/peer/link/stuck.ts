// When a peer counts as not reading: it is heard, but takes nothing of what waits for it, so memory would
// fill. Pure, like silence.ts; both links and lanes ask it at every tick.

/**
 * Without any progress for so long the connection is given up. A large activation is one step of progress,
 * and takes 126 s at 1 Mbit/s; what waits meanwhile has its own bound.
 */
export const STUCK_LIMIT_MS = 150_000

export class Stuck {
  #takenBytes = 0
  #stuckMs = 0

  /**
   * @param listenedMs of the time since the last tick.
   * @param isWaiting whether anything waits to be taken.
   * @param takenBytes what the connection has taken so far, in all.
   * @returns whether the peer has taken nothing for too long.
   */
  tick(listenedMs: number, isWaiting: boolean, takenBytes: number): boolean {
    const moves = !isWaiting || takenBytes !== this.#takenBytes
    this.#takenBytes = takenBytes
    this.#stuckMs = moves ? 0 : this.#stuckMs + listenedMs
    return this.#stuckMs > STUCK_LIMIT_MS
  }
}
