// How unevenly heartbeats of one neighbour arrive, and how long a silence that unevenness excuses. Pure.
// A lost heartbeat is a gap like any other, so loss and jitter of the way, and stalls of the neighbour,
// all count alike. Knows neither clocks nor verdicts: silence.ts measures the gaps and decides.

/** Between two heartbeats: 7.5 of them fit into the time in which a loss must be noticed. */
export const BEAT_INTERVAL_MS = 100

/** Gaps looked back at: 26 s, long enough for a 99th percentile, short enough to follow a changed way. */
const WINDOW = 256

/**
 * Silence that is excused where heartbeats arrive evenly. Five in a row may be lost, or the neighbour may
 * stall for half a second. With one tick and some lag of our own on top the verdict falls within 750 ms.
 */
export const LIMIT_LEAST_MS = 650
/** Up to this jitter the least limit holds. */
export const EVEN_JITTER_MS = 50
/**
 * Silence excused per ms of jitter above that. One loss in a hundred heartbeats makes the percentile one
 * interval, and the limit then has room for nine losses in a row: ten come, at 5 %, once in 30,000 years.
 */
const LIMIT_SLOPE = 8
/** However bad the way is: with one tick and some lag the verdict falls within 2 s. */
export const LIMIT_MOST_MS = 1850

/** The silence after which a neighbour whose heartbeats have this jitter is gone. */
export function silenceLimitMs(jitterMs: number): number {
  const excusedMs = LIMIT_SLOPE * Math.max(0, jitterMs - EVEN_JITTER_MS)
  return Math.min(LIMIT_LEAST_MS + excusedMs, LIMIT_MOST_MS)
}

export class Jitter {
  /** By how much each gap exceeded the interval, oldest first; and the same in rising order. */
  readonly #excessMs: number[] = []
  readonly #sortedMs: number[] = []

  /** How many gaps it knows of, up to the window. */
  get nGaps(): number {
    return this.#excessMs.length
  }

  /**
   * 99th percentile of how late heartbeats come after one another; 0 until the first gap. Of a few gaps the
   * worst one is left out: one stall in a link's first seconds is no jitter.
   */
  get p99Ms(): number {
    return this.#sortedMs[Math.floor(0.99 * (this.#sortedMs.length - 1))] ?? 0
  }

  /** @param gapMs between the arrivals of two heartbeats. */
  sample(gapMs: number): void {
    const excessMs = Math.max(0, gapMs - BEAT_INTERVAL_MS)
    this.#excessMs.push(excessMs)
    this.#sortedMs.splice(this.#rank(excessMs), 0, excessMs)
    if (this.#excessMs.length <= WINDOW) return
    const oldest = this.#excessMs.shift() as number
    this.#sortedMs.splice(this.#rank(oldest), 1)
  }

  /** Where a value stands in the rising order, or would. */
  #rank(excessMs: number): number {
    let low = 0
    let high = this.#sortedMs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#sortedMs[middle] as number) < excessMs) low = middle + 1
      else high = middle
    }
    return low
  }
}
