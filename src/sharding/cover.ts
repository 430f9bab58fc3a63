// Flow C, covering layers by spans that peers already have: pins when planning, held ranges when
// routing. From the first open layer on, always the span that reaches furthest: the fewest stages for
// plain intervals, the same ones on every machine. Where no span serves, the layers are missing.

import { compareText } from './integer.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'

export interface Span extends LayerRange {
  readonly peer: PeerId
}

export interface Cover {
  /** Ascending, not overlapping. */
  stages: RouteStage[]
  /** Ascending; together with the stages exactly [0, nLayers). */
  missing: LayerRange[]
}

/** One that the planner thinks of. */
export interface Candidate extends Cover {
  /** Price of what is missing. */
  missed: number
  ticks: number
  slowestTicks: number
}

/**
 * @param spans in any order; of one peer several may be given, of which one is used.
 * @param reach the layer after the last that this peer can serve when it starts at `from`; `from`
 *   itself when it cannot start there. By default the end of its span.
 * @param mayRepeat whether a peer may have several stages: those of a route, which hold what they hold, but
 *   not those of a plan, which share one memory.
 */
export function shortestCover(
  nLayers: number,
  spans: readonly Span[],
  reach: (span: Span, from: number) => number = (span) => span.end,
  mayRepeat = false
): Cover {
  let unused = spans.toSorted((a, b) => compareText(a.peer, b.peer) || a.start - b.start)
  const stages: RouteStage[] = []
  const missing: LayerRange[] = []
  for (let layer = 0; layer < nLayers;) {
    let best: Span | null = null
    let end = layer
    for (const span of unused) {
      const reached = span.start <= layer && layer < span.end ? reach(span, layer) : layer
      if (reached > end) [best, end] = [span, reached]
    }
    if (best === null) {
      addMissing(missing, layer)
      layer += 1
    } else {
      const used = best
      unused = unused.filter((span) => (mayRepeat ? span !== used : span.peer !== used.peer))
      stages.push({ peer: used.peer, start: layer, end })
      layer = end
    }
  }
  return { stages, missing }
}

/**
 * What a layer without a peer costs a cover: fewer such layers are better than more, then later ones
 * than earlier ones, so that what is missing does not change with measured speeds.
 */
export function missedPrice(nLayers: number, layer: number): number {
  return nLayers * nLayers + nLayers - layer
}

/** Adds one layer to ascending ranges, joining it to the last where it follows. */
export function addMissing(ranges: LayerRange[], layer: number): void {
  const last = ranges.at(-1)
  if (last?.end === layer) ranges[ranges.length - 1] = { start: last.start, end: layer + 1 }
  else ranges.push({ start: layer, end: layer + 1 })
}
