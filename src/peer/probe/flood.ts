// Fills a connection for a while and counts what arrives: the two halves of a measurement of throughput.
// Bounded in time and in bytes on both sides, and held back by the connection, so nothing piles up.

import { PROBE_FLOOD_BYTES_MAX } from '../../base/limits.ts'

import type { Clock } from '../../base/clock.ts'

/** Long enough for TCP to find the speed of a cable, short enough to wait for. */
export const FLOOD_MS = 1000
/** Blocks between two looks at what else has happened: a fast reader never holds the writer back. */
const BLOCKS_PER_TURN = 32

/** A stream that can be written to; both sockets and secret streams are. */
interface Sink {
  readonly destroyed: boolean
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

/**
 * Resolves when the time is over, or as soon as the sink is closed.
 * @param writeBlock writes one block and returns what the stream's write() does.
 */
export async function flood(
  sink: Sink,
  clock: Clock,
  blockBytes: number,
  writeBlock: () => boolean
): Promise<void> {
  const endMs = clock.now() + FLOOD_MS
  const blocksMax = Math.floor(PROBE_FLOOD_BYTES_MAX / blockBytes)
  for (let sent = 1; sent <= blocksMax && clock.now() < endMs && !sink.destroyed; sent++) {
    if (!writeBlock()) await drained(sink)
    else if (sent % BLOCKS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

function drained(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      sink.off('drain', done)
      sink.off('close', done)
      resolve()
    }
    sink.once('drain', done)
    sink.once('close', done)
    // It may have closed before anybody listened.
    if (sink.destroyed) done()
  })
}

/** What arrives of a flood. */
export class FloodMeter {
  readonly #clock: Clock
  #sizeBytes = 0
  #firstMs = 0
  #lastMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns false when it is more than anybody may send. */
  add(sizeBytes: number): boolean {
    this.#lastMs = this.#clock.now()
    if (this.#sizeBytes === 0) this.#firstMs = this.#lastMs
    this.#sizeBytes += sizeBytes
    // The sender stops a block below the bound.
    return this.#sizeBytes <= PROBE_FLOOD_BYTES_MAX
  }

  figure(): { sizeBytes: number; durationUs: number } {
    const durationUs = Math.max(1, Math.round(1000 * (this.#lastMs - this.#firstMs)))
    return { sizeBytes: this.#sizeBytes, durationUs }
  }
}

/** @returns bytes per second; null when too little arrived to say. */
export function rateOf(figure: { sizeBytes: number; durationUs: number }): number | null {
  const isEnough = figure.durationUs > 1000 && figure.sizeBytes > 0
  return isEnough ? Math.round((figure.sizeBytes * 1e6) / figure.durationUs) : null
}
