// Flow C, the decision: who holds which layers, as a pure function of a view. Every peer computes it
// for itself and gets the same bytes, in whatever order the news arrived. Chooses the lowest predicted
// time of one token, then fewer peers, then the smaller keys; one machine alone is a plan too.
// Deliberately not here: who holds what already (coverage.ts), and moving it (node.ts).

import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'
import { formatRange, type LayerRange } from '../model/layer-range.ts'
import { createCosts, toUs, type Costs } from './cost.ts'
import { missedPrice, shortestCover, type Cover } from './cover.ts'
import { compareText, floorDiv, hashOf } from './integer.ts'
import { splitInOrder } from './split.ts'
import { isPlannable, viewHash, type View, type ViewPeer } from './view.ts'

import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'

export interface Prediction {
  /** One token of one session, all stages and hops. */
  tokenUs: number
  /** Of each stage, rounded down. */
  perStageUs: number[]
  /** All hops together. */
  hopUs: number
  /** Derived for people; takes part in no decision and no hash. */
  tokensPerSecond: number
}

export interface Plan {
  /** Covers [0, nLayers) exactly; empty when there is a gap. */
  stages: RouteStage[]
  predicted: Prediction | null
  /** Peers of the view that hold nothing in this plan, by key, with a sentence for the user. */
  leftOut: { peer: PeerId; reason: string }[]
  /** The layers that nobody has room for, when there is no plan. */
  gap: LayerRange[]
  /** 64 hex digits over model, stages and gap: plans that agree have equal hashes. */
  hash: string
  viewHash: string
}

/**
 * Steps of one search, each a comparison of a few numbers: a quarter of a second on a slow core. Every
 * peer plans on its event loop, and anybody can put records of made-up peers into its view.
 */
const SEARCH_STEPS_MAX = 2 ** 25

interface Candidate extends Cover {
  /** Price of what is missing. */
  missed: number
  ticks: number
  slowestTicks: number
}

/**
 * @throws PLAN_NO_CAPACITY when the model is larger than any plan may be.
 */
export function computePlan(view: View): Plan {
  const { model, peers } = view
  if (!isPlannable(model)) {
    throw new SwarmError('PLAN_NO_CAPACITY', 'the sizes of this model are beyond every plan')
  }
  const costs = createCosts(model)
  const { stages, missing, ticks } = chooseCover(costs, peers)
  const isWhole = missing.length === 0
  return {
    stages: isWhole ? stages : [],
    predicted: isWhole ? predict(costs, peers, stages, ticks) : null,
    leftOut: isWhole ? explainLeftOut(costs, peers, stages) : [],
    gap: missing,
    hash: hashOf([
      'swarm plan 1',
      model.id,
      isWhole ? stages.map(({ peer, start, end }) => [peer, start, end]) : [],
      missing.map(({ start, end }) => [start, end])
    ]),
    viewHash: viewHash(view)
  }
}

function chooseCover(costs: Costs, peers: ViewPeer[]): Candidate {
  const fixed = coverByPins(costs, peers)
  const free = peers.filter((peer) => peer.pin === null)
  const covers = ordersOf(free, costs.nLayers).map((order) => splitInOrder(costs, order, fixed))
  if (fixed.length === 0) {
    // A route of one stage has no hop, which the search does not know.
    for (const { key } of free.filter((peer) => costs.fits(peer, 0, costs.nLayers))) {
      covers.push({ stages: [{ peer: key, start: 0, end: costs.nLayers }], missing: [] })
    }
  }
  return covers.map((cover) => toCandidate(costs, peers, cover)).reduce(better)
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

/**
 * The orders in which unpinned peers get layers: by speed and by memory, up and down, each also with
 * one peer moved to an end, because the ends matter: the last layers bring the head, which wants
 * speed, and the first the token table, which wants room. Every order is one of all peers that a new
 * peer does not disturb, so a new peer only adds candidates. On 15,000 random small views the best of
 * them was at most 2 % above the true optimum, and equal to it in 99 of 100. Beyond SEARCH_STEPS_MAX,
 * which 20 peers with 126 layers do not reach, only the fastest and the roomiest are moved to an end.
 */
function ordersOf(peers: ViewPeer[], nLayers: number): ViewPeer[][] {
  const bySpeed = peers.toSorted(
    (a, b) => a.weightMiBps - b.weightMiBps || compareText(a.key, b.key)
  )
  const byMemory = peers.toSorted((a, b) => a.memoryKiB - b.memoryKiB || compareText(a.key, b.key))
  const ends = interleave(bySpeed.toReversed(), byMemory.toReversed())
  const nEnds = endsWithin(peers.length, nLayers)
  // Of a few peers most of these orders are the same.
  const orders = new Map<string, ViewPeer[]>()
  const add = (order: ViewPeer[]) => orders.set(order.map(({ key }) => key).join(), order)
  for (const order of [bySpeed, bySpeed.toReversed(), byMemory, byMemory.toReversed()]) {
    add(order)
    for (const end of ends.slice(0, nEnds)) {
      const others = order.filter((peer) => peer !== end)
      add([end, ...others])
      add([...others, end])
    }
  }
  return [...orders.values()]
}

/** How many peers may be moved to either end of each of the four orders. */
function endsWithin(nPeers: number, nLayers: number): number {
  const stepsPerOrder = Math.max(1, floorDiv(nPeers * nLayers * nLayers, 2))
  const nOrders = floorDiv(SEARCH_STEPS_MAX, stepsPerOrder)
  return floorDiv(Math.max(0, nOrders - 4), 8)
}

/** The elements of both lists, the first ones first, each once. */
function interleave<T>(a: T[], b: T[]): T[] {
  return [...new Set(a.flatMap((one, index) => [one, b[index] as T]))]
}

function toCandidate(costs: Costs, peers: ViewPeer[], cover: Cover): Candidate {
  const perStage = stageTicks(costs, peers, cover.stages)
  return {
    ...cover,
    missed: priceOf(cover.missing, costs.nLayers),
    ticks: perStage.reduce((sum, ticks) => sum + ticks, costs.hopTicks(perStage.length)),
    slowestTicks: Math.max(0, ...perStage)
  }
}

function stageTicks(costs: Costs, peers: ViewPeer[], stages: RouteStage[]): number[] {
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  return stages.map(({ peer, start, end }) =>
    costs.stageTicks(byKey.get(peer) as ViewPeer, start, end)
  )
}

function better(a: Candidate, b: Candidate): Candidate {
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

function predict(costs: Costs, peers: ViewPeer[], stages: RouteStage[], ticks: number): Prediction {
  // A model of nothing but empty layers would take no time; one microsecond keeps the rate finite.
  const tokenUs = Math.max(1, toUs(ticks))
  return {
    tokenUs,
    perStageUs: stageTicks(costs, peers, stages).map(toUs),
    hopUs: toUs(costs.hopTicks(stages.length)),
    tokensPerSecond: 1e6 / tokenUs
  }
}

function explainLeftOut(costs: Costs, peers: ViewPeer[], stages: RouteStage[]): Plan['leftOut'] {
  const used = new Set(stages.map(({ peer }) => peer))
  return peers
    .filter(({ key }) => !used.has(key))
    .map((peer) => ({ peer: peer.key, reason: reasonOf(costs, peer) }))
}

function reasonOf(costs: Costs, peer: ViewPeer): string {
  const first = peer.pin?.start ?? 0
  const last = peer.pin?.end ?? costs.nLayers
  let hasRoom = false
  for (let layer = first; layer < last; layer++) hasRoom ||= costs.fits(peer, layer, layer + 1)
  const memory = formatSize(peer.memoryKiB * 1024)
  if (!hasRoom) return `its ${memory} have no room for a single layer and its context`
  if (peer.pin !== null) return `others serve its layers ${formatRange(peer.pin)} in fewer stages`
  return `no split with its ${floorDiv(peer.weightMiBps * 10, 1024) / 10} GiB/s is predicted faster`
}
