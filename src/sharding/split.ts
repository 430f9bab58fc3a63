// Flow C, the search: the cheapest way to give layers [0, n) to peers taken in one fixed order, by
// dynamic programming over (peers considered, layers covered). Exact for that order: every subset of
// the peers and every boundary is compared. plan.ts tries several orders. An order of all peers does
// not change when one more joins, so one more peer can only add candidates: never a slower plan.

import { addMissing, missedPrice, type Cover } from './cover.ts'

import type { RouteStage } from '../wire/session.ts'
import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'
import type { RestTicks } from './rest.ts'
import type { StageTicks } from './stage-ticks.ts'

// How a state was reached, where it was not by giving the peer of its column layers from `from` on.
const UNREACHED = -1
const SKIPPED = -2
const MISSED = -3
const FIXED = -4

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

  const split = new Split(nLayers, order.length, hopTicks)
  // Within a limit nothing may be missing.
  if (limit === null) split.passWithoutPeer(fixedOf)
  const left = new Set(order)
  for (const peer of order) {
    left.delete(peer)
    if (limit !== null) split.limitTo(limit.ticks, limit.rest(left))
    split.nextPeer()
    split.giveLayers(costs, peer, fixedOf)
    if (limit === null) split.passWithoutPeer(fixedOf)
  }
  return split.isCovered ? split.readBack(order, fixedOf) : null
}

/**
 * The best ways to cover [0, layer) with the first so many peers of an order, a column for each number of
 * them, at peers * (nLayers + 1) + layer. Of two ways the one with the smaller first number that differs is
 * better, in the order of the fields. One table for all columns, because many small ones cost more than
 * comparing does.
 */
class Split {
  /** Price of the layers that nobody has room for; infinite where no way leads. */
  readonly #missed: Float64Array
  /** Of the stages and, for each, one hop. */
  readonly #ticks: Float64Array
  readonly #nStages: Int32Array
  /** Of the slowest stage: among equal routes, the one that several sessions share best. */
  readonly #slowestTicks: Float64Array
  readonly #from: Int32Array
  /** (nLayers + 1,) ticks above which a way to that layer is of no use. */
  readonly #most: Float64Array
  readonly #nLayers: number
  readonly #hopTicks: number
  /** Where the column starts that is being filled, and the one before it. */
  #own = 0
  #before = 0

  constructor(nLayers: number, nPeers: number, hopTicks: number) {
    const size = (nLayers + 1) * (nPeers + 1)
    this.#missed = new Float64Array(size).fill(Infinity, 1, nLayers + 1)
    this.#ticks = new Float64Array(size)
    this.#nStages = new Int32Array(size)
    this.#slowestTicks = new Float64Array(size)
    this.#from = new Int32Array(size).fill(UNREACHED)
    this.#most = new Float64Array(nLayers + 1).fill(Infinity)
    this.#nLayers = nLayers
    this.#hopTicks = hopTicks
  }

  get isCovered(): boolean {
    return this.#missed[this.#own + this.#nLayers] !== Infinity
  }

  /** @param rest (nLayers + 1,) that the peers after this one take for what is left. */
  limitTo(ticks: number, rest: Float64Array): void {
    for (let layer = 0; layer <= this.#nLayers; layer++) {
      this.#most[layer] = ticks - (rest[layer] as number)
    }
  }

  /** Its column is at first as if it got nothing. */
  nextPeer(): void {
    this.#before = this.#own
    this.#own += this.#nLayers + 1
    for (const of of [this.#missed, this.#ticks, this.#nStages, this.#slowestTicks]) {
      of.copyWithin(this.#own, this.#before, this.#own)
    }
    this.#from.fill(SKIPPED, this.#own, this.#own + this.#nLayers + 1)
  }

  /** The peer of this column takes some layers behind a state of the last one, where that is better. */
  giveLayers(costs: Costs, peer: ViewPeer, fixedOf: (RouteStage | null)[]): void {
    const stages = costs.stages(peer)
    let lowest = 0
    let nearest = 0
    for (let end = 1; end <= this.#nLayers; end++) {
      if (fixedOf[end - 1] !== null) lowest = end
      while (lowest < end && !costs.fits(peer, lowest, end)) lowest++
      // The best start of the layer before is near the best of this one, and what is no better costs less to
      // look at.
      if (!stages.isSum && nearest >= lowest) this.#give(stages, nearest, end)
      let start = end - 1
      while (start >= lowest && this.#give(stages, start, end)) start--
      nearest = Math.max(nearest, this.#from[this.#own + end] as number)
    }
  }

  /** @returns false where no start before this one can be better: more layers only cost more. */
  #give(stages: StageTicks, start: number, end: number): boolean {
    const at = this.#own + end
    const before = this.#before + start
    const missed = this.#missed[before] as number
    // What is missing decides first.
    if (missed === Infinity || missed > (this.#missed[at] as number)) return true
    const ticksUpTo = (this.#ticks[before] as number) + this.#hopTicks
    const known = this.#missed[at] === 0 ? (this.#ticks[at] as number) : Infinity
    const best = Math.min(known, this.#most[end] as number)
    if (ticksUpTo > best) return true
    const least = stages.least(start, end)
    if (least > best) return false
    if (ticksUpTo + least > best) return true
    const stageTicks = stages.of(start, end)
    const nStages = (this.#nStages[before] as number) + 1
    const slowestTicks = Math.max(this.#slowestTicks[before] as number, stageTicks)
    this.#improve(at, start, missed, ticksUpTo + stageTicks, nStages, slowestTicks)
    return true
  }

  /** Moves on through the column over fixed stages, and over layers that stay missing. */
  passWithoutPeer(fixedOf: (RouteStage | null)[]): void {
    for (let layer = 0; layer < this.#nLayers; layer++) {
      const at = this.#own + layer
      const missed = this.#missed[at] as number
      if (missed === Infinity) continue
      const stage = fixedOf[layer]
      this.#improve(
        this.#own + (stage ? stage.end : layer + 1),
        stage ? FIXED : MISSED,
        missed + (stage ? 0 : missedPrice(this.#nLayers, layer)),
        this.#ticks[at] as number,
        this.#nStages[at] as number,
        this.#slowestTicks[at] as number
      )
    }
  }

  /** Takes the parts of a way instead of an object, because most are looked at once and dropped. */
  #improve(
    at: number,
    from: number,
    missed: number,
    ticks: number,
    nStages: number,
    slowestTicks: number
  ): void {
    const difference =
      missed - (this.#missed[at] as number) ||
      ticks - (this.#ticks[at] as number) ||
      nStages - (this.#nStages[at] as number) ||
      slowestTicks - (this.#slowestTicks[at] as number)
    if (difference >= 0) return
    this.#missed[at] = missed
    this.#ticks[at] = ticks
    this.#nStages[at] = nStages
    this.#slowestTicks[at] = slowestTicks
    this.#from[at] = from
  }

  readBack(order: readonly ViewPeer[], fixedOf: (RouteStage | null)[]): Cover {
    const stages: RouteStage[] = []
    const missed: number[] = []
    let layer = this.#nLayers
    let column = order.length
    while (layer > 0) {
      const from = this.#from[column * (this.#nLayers + 1) + layer] as number
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
}
