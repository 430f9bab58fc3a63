// Flow C, the search for the lowest time of one token: orders of all peers first (split.ts), then every
// set of up to 16 peers whose bound lies below what they found, each in every order. What costs too many
// steps ends the search with the best so far; steps are counted, not timed, so every machine ends alike.

import { boundOfAll, subsetsBelow } from './bound.ts'
import { shortestCover, missedPrice, type Candidate, type Cover } from './cover.ts'
import { compareText, floorDiv } from './integer.ts'
import {
  bestOrder,
  ORDERED_PEERS_LINKED_MAX,
  ORDERED_PEERS_MAX,
  OrderTables
} from './order-search.ts'
import { interleave, ordersOf } from './orders.ts'
import { routeOf } from './priced-route.ts'
import { createRest } from './rest.ts'
import { estimatedPerStage } from './route-ticks.ts'
import { splitInOrder } from './split.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Steps } from './order-search.ts'

/** Peers of an exact search: 2^16 sets. Of more, those that the orders use, the fastest and the roomiest. */
const EXACT_PEERS_MAX = 16
/**
 * Steps of the orders and of the exact part, each a comparison of a few numbers; by the number of peers.
 * Every peer plans on its event loop, and anybody can put records of made-up peers into its view: at most
 * 10 ms for 8 peers, 100 ms for 16 and 300 ms for more on a core of today.
 */
const ORDER_STEPS_MAX = { few: 2 ** 15, some: 2 ** 19, many: 2 ** 23 }
const EXACT_STEPS_MAX = { few: 3 * 2 ** 14, some: 2 ** 20, many: 2 ** 21 }
const PINNED_STEPS_MAX = 2 ** 20
const FEW_PEERS = 8

/** Anything is better. */
const NO_PLAN: Candidate = {
  stages: [],
  missing: [],
  missed: Infinity,
  ticks: Infinity,
  slowestTicks: Infinity
}

export interface Searched {
  best: Candidate
  /** Ticks below which no plan of these peers lies; equal to those of `best` when it is proven best. */
  boundTicks: number
}

/**
 * @param peers sorted by key.
 * @param perStep in how many steps a comparison is counted: where it takes longer, or less depends on it.
 */
export function search(costs: Costs, hops: Hops, peers: ViewPeer[], perStep = 1): Searched {
  const fixed = coverByPins(costs, peers)
  const free = peers.filter((peer) => peer.pin === null)
  const size = sizeOf(free.length)
  // Beside pins the orders are the whole search.
  const orderSteps = floorDiv(ORDER_STEPS_MAX[size], perStep)
  const stepsMax = fixed.length > 0 ? Math.max(PINNED_STEPS_MAX, orderSteps) : orderSteps
  const orders = ordersOf(free, costs.nLayers, stepsMax)
  // A route of one stage has no hop, which the orders do not know.
  const alone = fixed.length > 0 ? [] : free.filter((peer) => costs.fits(peer, 0, costs.nLayers))
  const known = alone.map(({ key: peer }) => {
    const stages = [{ peer, start: 0, end: costs.nLayers }]
    return estimated(costs, hops, peers, { stages, missing: [] })
  })
  const first = bestOfOrders(costs, hops, peers, orders, fixed, known.reduce(better, NO_PLAN))
  if (fixed.length > 0) return { best: first, boundTicks: 0 }
  const chosen = chooseFew(free, first)
  const exactSteps = floorDiv(EXACT_STEPS_MAX[size], perStep)
  const { best, boundTicks } = searchExactly(costs, hops, chosen, first, exactSteps)
  if (chosen.length === free.length) return { best, boundTicks }
  return { best, boundTicks: Math.min(best.ticks, boundOfAll(costs, hops, free)) }
}

/** Of the peers that have no pin, all or the 16 most promising, sorted by key. */
function chooseFew(free: ViewPeer[], { stages }: Candidate): ViewPeer[] {
  if (free.length <= EXACT_PEERS_MAX) return free
  const used = new Set(stages.map(({ peer }) => peer))
  const bySpeed = free.toSorted(
    (a, b) => b.weightMiBps - a.weightMiBps || compareText(a.key, b.key)
  )
  const byMemory = free.toSorted((a, b) => b.memoryKiB - a.memoryKiB || compareText(a.key, b.key))
  const wanted = [...free.filter(({ key }) => used.has(key)), ...interleave(bySpeed, byMemory)]
  const chosen = [...new Set(wanted)].slice(0, EXACT_PEERS_MAX)
  return chosen.toSorted((a, b) => compareText(a.key, b.key))
}

function searchExactly(
  costs: Costs,
  hops: Hops,
  peers: ViewPeer[],
  first: Candidate,
  stepsMax: number
): Searched {
  const steps: Steps = { left: stepsMax }
  const tables = new OrderTables()
  const limit = first.missing.length > 0 ? Infinity : first.ticks
  const { subsets, isWhole } = subsetsBelow(costs, hops, peers, limit)
  const orderedMax = hops.isUniform ? ORDERED_PEERS_MAX : ORDERED_PEERS_LINKED_MAX
  let best = first
  // Of a set too large to order, or one that the steps did not suffice for, only the bound is known.
  let openTicks = isWhole ? Infinity : boundOfAll(costs, hops, peers)
  for (const { mask, boundTicks } of subsets) {
    const isWholeNow = best.missing.length === 0
    if (isWholeNow && boundTicks >= best.ticks) break
    const members = peers.filter((_, index) => (mask & (1 << index)) !== 0)
    if (steps.left <= 0) {
      openTicks = Math.min(openTicks, boundTicks)
      break
    }
    if (members.length > orderedMax) {
      openTicks = Math.min(openTicks, boundTicks)
      best = inSomeOrders(costs, hops, members, best, steps)
      continue
    }
    const found = bestOrder(costs, hops, members, isWholeNow ? best : null, steps, tables)
    if (found !== null) best = { ...found, missing: [], missed: 0 }
    if (steps.left <= 0) openTicks = Math.min(openTicks, boundTicks)
  }
  return { best, boundTicks: Math.min(best.ticks, openTicks) }
}

/** The set alone, without peers that disturb its orders. */
function inSomeOrders(
  costs: Costs,
  hops: Hops,
  members: ViewPeer[],
  best: Candidate,
  steps: Steps
): Candidate {
  const stepsOfOrder = floorDiv(members.length * costs.nLayers * costs.nLayers, 2) + 1
  const orders = ordersOf(members, costs.nLayers, 12 * stepsOfOrder)
  steps.left -= orders.length * stepsOfOrder
  return bestOfOrders(costs, hops, members, orders, [], best)
}

/** @param known a plan that is to be beaten. */
function bestOfOrders(
  costs: Costs,
  hops: Hops,
  peers: ViewPeer[],
  orders: ViewPeer[][],
  fixed: RouteStage[],
  known: Candidate
): Candidate {
  const rest = createRest(costs, hops.ticksMin, peers)
  // A split counts one hop for each stage, a route may have less for the last one, or none.
  const moreTicks = Math.max(hops.ticksMin, hops.activationTicksMax)
  return orders.reduce((best, order) => {
    const isLimit = fixed.length === 0 && best.missed === 0
    const limit = isLimit ? { ticks: best.ticks + moreTicks, rest } : null
    const cover = splitInOrder(costs, hops.ticksMin, order, fixed, limit)
    return cover === null ? best : better(best, estimated(costs, hops, peers, cover))
  }, known)
}

function sizeOf(nPeers: number): keyof typeof EXACT_STEPS_MAX {
  if (nPeers <= FEW_PEERS) return 'few'
  return nPeers <= EXACT_PEERS_MAX ? 'some' : 'many'
}

/** Pinned peers serve inside their pins, each as far as its memory reaches. */
function coverByPins(costs: Costs, peers: ViewPeer[]): RouteStage[] {
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const pins = peers.flatMap(({ key, pin }) => (pin === null ? [] : [{ peer: key, ...pin }]))
  return shortestCover(costs.nLayers, pins, (span, from) => {
    let end = from
    while (end < span.end && costs.fits(byKey.get(span.peer) as ViewPeer, from, end + 1)) end++
    return end
  }).stages
}

/** As fast as its stages are, looked at one by one. */
function estimated(costs: Costs, hops: Hops, peers: readonly ViewPeer[], cover: Cover): Candidate {
  const route = routeOf(peers, cover.stages)
  const perStage = estimatedPerStage(costs, hops, route, cover.stages)
  return {
    ...cover,
    missed: priceOf(cover.missing, costs.nLayers),
    ticks: perStage.reduce((sum, ticks) => sum + ticks, hops.routeTicks(route)),
    slowestTicks: Math.max(0, ...perStage)
  }
}

export function better(a: Candidate, b: Candidate): Candidate {
  const difference =
    a.missed - b.missed ||
    a.ticks - b.ticks ||
    a.stages.length - b.stages.length ||
    a.slowestTicks - b.slowestTicks ||
    compareText(describe(a.stages), describe(b.stages))
  return difference <= 0 ? a : b
}

function priceOf(missing: LayerRange[], nLayers: number): number {
  let price = 0
  for (const { start, end } of missing) {
    for (let layer = start; layer < end; layer++) price += missedPrice(nLayers, layer)
  }
  return price
}

function describe(stages: RouteStage[]): string {
  return stages.map(({ peer, start }) => `${peer} ${start}`).join()
}
