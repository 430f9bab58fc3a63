// Flow B, origin side, recovery: which stages of a route lack positions that the others have, and from
// where each of them gets these again. The nearest stage upstream that kept its outputs sends them once
// more, so that only the lost layers are computed anew; where none did, the origin sends the ids, and the
// stages on the way compute what they had. The bits are the same either way (docs/arithmetic.md). Pure;
// session-state.ts sends what this says.

import { evenChunking, type Chunking } from '../sharding/chunking.ts'
import { ChunkFlow, type Chunk } from './chunk-flow.ts'

/** What a stage said when it opened. */
export interface Standpoint {
  /** Positions in its cache. */
  cachedTokens: number
  /** Positions [keptStart, keptEnd) whose outputs it kept. */
  keptStart: number
  keptEnd: number
}

/** Positions [start, end) for the stages behind `source` up to and including `stop`. */
export interface Fill {
  /** Index of the stage that has the outputs; -1: the origin sends ids. */
  source: number
  stop: number
  start: number
  end: number
}

/**
 * From where a session goes on whose stages took over different parts of a prefix: where the last stage ends.
 * Those before it are filled up to there, so that each computes only what it, or one behind it, lacks.
 * @param most positions that may be taken over.
 */
export function fillTarget(standpoints: readonly Standpoint[], most: number): number {
  return Math.min(most, (standpoints.at(-1) as Standpoint).cachedTokens)
}

/**
 * @param standpoints of all stages, in the route's order.
 * @param target the position from which the session goes on.
 * @returns fills that share no stage, so that they can run at the same time; none when all are there.
 */
export function planFills(standpoints: readonly Standpoint[], target: number): Fill[] {
  const fills: Fill[] = []
  for (let stop = standpoints.length - 1; stop >= 0; stop--) {
    let start = (standpoints[stop] as Standpoint).cachedTokens
    if (start >= target) continue
    let source = stop - 1
    for (; source >= 0; source--) {
      const { cachedTokens, keptStart, keptEnd } = standpoints[source] as Standpoint
      if (cachedTokens >= target && keptStart <= start && keptEnd >= target) break
      start = Math.min(start, cachedTokens)
    }
    fills.push({ source, stop, start, end: target })
    stop = source + 1
  }
  return fills
}

/** Fills under way, all at the same time. */
export class Filling {
  readonly #runs: { fill: Fill; flow: ChunkFlow }[]

  constructor(fills: readonly Fill[], chunking: Chunking) {
    this.#runs = fills.map((fill) => {
      const { start, end, stop, source } = fill
      return { fill, flow: new ChunkFlow(start, end, chunking, stop - source) }
    })
  }

  get nTokens(): number {
    return this.#runs.reduce((sum, { fill }) => sum + fill.end - fill.start, 0)
  }

  get isOver(): boolean {
    return this.#runs.every(({ fill, flow }) => flow.doneEnd === fill.end)
  }

  endsAt(stop: number): boolean {
    return this.#runs.some(({ fill }) => fill.stop === stop)
  }

  /** Stage `stop` has positions up to `end` now. @returns false when that was not due. */
  done(stop: number, end: number): boolean {
    return this.#runs.find(({ fill }) => fill.stop === stop)?.flow.done(end) ?? false
  }

  /** What may be sent now; it counts as sent. */
  *take(): Generator<Chunk & Pick<Fill, 'source' | 'stop'>, void> {
    for (const { fill, flow } of this.#runs) {
      const { source, stop } = fill
      for (const chunk of flow.take()) yield { ...chunk, source, stop }
    }
  }
}

export const NOTHING_TO_FILL = new Filling([], evenChunking(1))
