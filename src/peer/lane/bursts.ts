// What a path carries: a few bursts of bytes that mean nothing, each followed by a ping, so that its answer
// says when all of it had been read. Pure; lane.ts sends. The best of them counts, because whatever else
// goes on at either end only slows a burst; the first ones also open TCP's window, which a prompt of a
// running session finds open.

/** Bytes of one burst: above what a socket takes at once, 1.6 ms of a gigabit, some hundred KB in all. */
export const BURST_BYTES = 192 * 2 ** 10
const BURSTS = 3

export interface MeasuredPath {
  /** The least of some round trips, one behind the other. */
  rttMs: number
  /** Whole megabits per second, at least 1. */
  mbps: number
}

export class Bursts {
  readonly #rttMs: number
  readonly #onDone: (path: MeasuredPath) => void
  #left = BURSTS
  #sentMs = 0
  #pingId = -1
  #best = 0

  /**
   * @param rttMs least round trip of this path, which no burst is charged with.
   */
  constructor(rttMs: number, onDone: (path: MeasuredPath) => void) {
    this.#rttMs = rttMs
    this.#onDone = onDone
  }

  /** A burst leaves now, with this ping behind it. */
  sent(pingId: number, nowMs: number): void {
    this.#pingId = pingId
    this.#sentMs = nowMs
    this.#left--
  }

  /** A ping was answered. @returns null: of no burst; else whether another one is to be sent. */
  answered(pingId: number, nowMs: number): boolean | null {
    if (pingId !== this.#pingId) return null
    // A tenth of the time at least: a path does not get faster because its pings were slow.
    const wholeMs = Math.max(0.001, nowMs - this.#sentMs)
    const tookMs = Math.max(wholeMs / 10, wholeMs - this.#rttMs)
    this.#best = Math.max(this.#best, Math.floor((BURST_BYTES * 8) / (tookMs * 1000)))
    if (this.#left > 0) return true
    this.#onDone({ rttMs: this.#rttMs, mbps: Math.max(1, this.#best) })
    return false
  }
}
