// Flow C, the search: the cheapest way to give layers [0, n) to peers taken in one fixed order, by
// dynamic programming over (peers considered, layers covered). Exact for that order: every subset of
// the peers and every boundary is compared. plan.ts tries several orders. An order of all peers does
// not change when one more joins, so one more peer can only add candidates: never a slower plan.

import { addMissing, missedPrice, type Cover } from './cover.ts'

import type { RouteStage } from '../wire/session.ts'
import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'
import type { RestTicks } from './rest.ts'

// How a state was reached, where it was not by giving the peer of its column layers from `from` on.
const UNREACHED = -1
const SKIPPED = -2
const MISSED = -3
const FIXED = -4

/**
 * The best ways to cover [0, layer) with the first so many peers, (nLayers + 1,) each. Of two ways
 * the one with the smaller first number that differs is better, in the order of the fields.
 */
interface Column {
  /** Price of the layers that nobody has room for; infinite where no way leads. */
  missed: Float64Array
  /** Of the stages and, for each, one hop. */
  ticks: Float64Array
  nStages: Int32Array
  /** Of the slowest stage: among equal routes, the one that several sessions share best. */
  slowestTicks: Float64Array
  from: Int32Array
}

/** Only a way without missing layers that takes no longer is of use. */
export interface Limit {
  /** Every stage with one hop. */
  ticks: number
  /** Of all peers of the order at least. */
  rest: RestTicks
}

/**
 * @param hopTicks of one more stage, whoever has it.
 * @param order every peer that may be used, at most once each, in the order of the layers they get.
 * @param fixed stages that are in the route in any case, ascending.
 * @param limit only where nothing is fixed.
 * @returns the cheapest stages, the fixed ones among them, and the layers that stay missing; null where no
 *   way is within the limit.
 */
export function splitInOrder(
  costs: Costs,
  hopTicks: number,
  order: readonly ViewPeer[],
  fixed: readonly RouteStage[],
  limit: Limit | null = null
): Cover | null {
  const { nLayers } = costs
  const fixedOf: (RouteStage | null)[] = Array.from({ length: nLayers }, () => null)
  for (const stage of fixed) fixedOf.fill(stage, stage.start, stage.end)

  const first: Column = {
    missed: new Float64Array(nLayers + 1).fill(Infinity),
    ticks: new Float64Array(nLayers + 1),
    nStages: new Int32Array(nLayers + 1),
    slowestTicks: new Float64Array(nLayers + 1),
    from: new Int32Array(nLayers + 1).fill(UNREACHED)
  }
  first.missed[0] = 0
  const columns = [first]
  // Within a limit nothing may be missing.
  if (limit === null) passWithoutPeer(first, fixedOf)
  const most = new Float64Array(nLayers + 1).fill(Infinity)
  const left = new Set(order)
  for (const peer of order) {
    left.delete(peer)
    if (limit !== null) {
      const rest = limit.rest(left)
      for (let layer = 0; layer <= nLayers; layer++) {
        most[layer] = limit.ticks - (rest[layer] as number)
      }
    }
    const column = giveLayers(costs, hopTicks, columns.at(-1) as Column, peer, fixedOf, most)
    if (limit === null) passWithoutPeer(column, fixedOf)
    columns.push(column)
  }
  return columns.at(-1)?.missed[nLayers] === Infinity ? null : readBack(columns, order, fixedOf)
}

/**
 * The next column: this peer takes some layers behind a state of the last one, or none.
 * @param most (nLayers + 1,) ticks above which a way to that layer is of no use.
 */
function giveLayers(
  costs: Costs,
  hopTicks: number,
  before: Column,
  peer: ViewPeer,
  fixedOf: (RouteStage | null)[],
  most: Float64Array
): Column {
  const { nLayers } = costs
  const column: Column = {
    missed: before.missed.slice(),
    ticks: before.ticks.slice(),
    nStages: before.nStages.slice(),
    slowestTicks: before.slowestTicks.slice(),
    from: new Int32Array(nLayers + 1).fill(SKIPPED)
  }
  // Where ticks are sums over layers, those of [start, end) are a difference.
  const isSum = costs.isSum(peer)
  const upTo = new Float64Array(nLayers)
  if (isSum) {
    for (let layer = 1; layer < nLayers; layer++) upTo[layer] = costs.stageTicks(peer, 0, layer)
  }
  let lowest = 0
  let nearest = 0
  for (let end = 1; end <= nLayers; end++) {
    if (fixedOf[end - 1] !== null) lowest = end
    while (lowest < end && !costs.fits(peer, lowest, end)) lowest++
    const toEnd = isSum ? costs.stageTicks(peer, 0, end) : 0
    // What is missing decides first, and unlike the ticks of a stage it costs nothing to know.
    let missedMin = column.missed[end] as number
    for (let start = lowest; start < end; start++) {
      missedMin = Math.min(missedMin, before.missed[start] as number)
    }
    /** @returns false where no start before this one can be better: more layers only cost more. */
    const compare = (start: number): boolean => {
      const missed = before.missed[start] as number
      if (missed > missedMin || missed === Infinity) return true
      const ticksUpTo = (before.ticks[start] as number) + hopTicks
      const known = column.missed[end] === 0 ? (column.ticks[end] as number) : Infinity
      const best = Math.min(known, most[end] as number)
      if (ticksUpTo > best) return true
      const least = isSum ? toEnd - (upTo[start] as number) : costs.stageTicksMin(peer, start, end)
      if (least > best) return false
      if (ticksUpTo + least > best) return true
      const stageTicks = isSum ? least : costs.stageTicks(peer, start, end)
      const nStages = (before.nStages[start] as number) + 1
      const slowestTicks = Math.max(before.slowestTicks[start] as number, stageTicks)
      improve(column, end, start, missed, ticksUpTo + stageTicks, nStages, slowestTicks)
      return true
    }
    // The best start of the layer before is near the best of this one, and what is no better costs less to
    // look at.
    if (!isSum && nearest >= lowest) compare(nearest)
    let start = end - 1
    while (start >= lowest && compare(start)) start--
    nearest = Math.max(nearest, column.from[end] as number)
  }
  return column
}

/** Moves on through a column over fixed stages, and over layers that stay missing. */
function passWithoutPeer(column: Column, fixedOf: (RouteStage | null)[]): void {
  const nLayers = fixedOf.length
  for (let layer = 0; layer < nLayers; layer++) {
    const missed = column.missed[layer] as number
    if (missed === Infinity) continue
    const stage = fixedOf[layer]
    improve(
      column,
      stage ? stage.end : layer + 1,
      stage ? FIXED : MISSED,
      missed + (stage ? 0 : missedPrice(nLayers, layer)),
      column.ticks[layer] as number,
      column.nStages[layer] as number,
      column.slowestTicks[layer] as number
    )
  }
}

/** Takes the parts of a way instead of an object, because most are looked at once and dropped. */
function improve(
  column: Column,
  end: number,
  from: number,
  missed: number,
  ticks: number,
  nStages: number,
  slowestTicks: number
): void {
  const difference =
    missed - (column.missed[end] as number) ||
    ticks - (column.ticks[end] as number) ||
    nStages - (column.nStages[end] as number) ||
    slowestTicks - (column.slowestTicks[end] as number)
  if (difference >= 0) return
  column.missed[end] = missed
  column.ticks[end] = ticks
  column.nStages[end] = nStages
  column.slowestTicks[end] = slowestTicks
  column.from[end] = from
}

function readBack(
  columns: Column[],
  order: readonly ViewPeer[],
  fixedOf: (RouteStage | null)[]
): Cover {
  const stages: RouteStage[] = []
  const missed: number[] = []
  let layer = fixedOf.length
  let column = columns.length - 1
  while (layer > 0) {
    const from = columns[column]?.from[layer] as number
    if (from === SKIPPED) {
      column -= 1
    } else if (from === MISSED) {
      layer -= 1
      missed.push(layer)
    } else if (from === FIXED) {
      const stage = fixedOf[layer - 1] as RouteStage
      stages.push(stage)
      layer = stage.start
    } else {
      column -= 1
      stages.push({ peer: (order[column] as ViewPeer).key, start: from, end: layer })
      layer = from
    }
  }
  const missing: Cover['missing'] = []
  for (const layer of missed.toReversed()) addMissing(missing, layer)
  return { stages: stages.toReversed(), missing }
}
