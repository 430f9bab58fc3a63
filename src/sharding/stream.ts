// Flow C, the slowest memory: what stays on disk and is read for every token (streamed-parts.ts says what
// that is). Owns when disks count at all: only where the memory of all peers holds no plan, and the costs
// that plans have then. What a stage takes is streamed-stages.ts's, the search is search.ts's. Pure.

import { boundOfAll } from './bound.ts'
import { settleBoundaries } from './boundaries.ts'
import {
  capacityKiB,
  diskPriceOf,
  TICKS_PER_US,
  toUs,
  type Costs,
  type PricedMemory,
  type Room
} from './cost.ts'
import { ceilDiv, floorDiv } from './integer.ts'
import { perPeer } from './per-peer.ts'
import { pricedRoute } from './priced-route.ts'
import { inRounds } from './rounds.ts'
import { search, type Searched } from './search.ts'
import { Streams } from './streamed-parts.ts'
import { streamedStages } from './streamed-stages.ts'

import type { Candidate } from './cover.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'

/**
 * A minute: nobody waits longer for a token, and that a machine is missing is the better answer then. Far
 * below what sessions that nobody uses are kept for.
 */
const TOKEN_TICKS_MAX = 60e6 * TICKS_PER_US

/** A comparison where disks count takes about twice as long. */
const DISK_STEPS = 2
/** Where there is no plan, only what is missing is to be told. */
const GAP_STEPS = 4

/** A bound is told to such a part of the plan's own time. */
const BOUND_STEPS = 128

/** What was found, and the costs that its plan is to be judged by. */
type Priced = Searched & { costs: Costs }

/** As search(); where memory holds no plan and disks make one, with their costs. */
export function searchWithDisks(costs: Costs, hops: Hops, peers: ViewPeer[]): Priced {
  if (peers.every((peer) => diskPriceOf(peer) === 0)) return searchMemory(costs, hops, peers)
  // Where not even layers cut anywhere fit, there is nothing to search for in memory.
  const isHopeless = boundOfAll(costs, hops, peers) === Infinity
  const plain = isHopeless ? null : searchMemory(costs, hops, peers)
  if (plain?.best.missing.length === 0) return plain
  const streaming = withDisks(costs)
  const best = planWithDisks(streaming, hops, peers)
  if (best === null || best.ticks > TOKEN_TICKS_MAX) {
    return plain ?? { ...search(costs, hops, peers, GAP_STEPS), costs }
  }
  const boundTicks = boundWithDisks(costs, hops, peers, best.ticks)
  return { best, boundTicks, costs: streaming }
}

/** Null: there is none. */
function planWithDisks(costs: Costs, hops: Hops, peers: ViewPeer[]): Candidate | null {
  const { best } = search(costs, hops, peers, DISK_STEPS)
  const once = best.missing.length > 0 ? null : pricedRoute(costs, hops, peers, best.stages)
  if (once === null) return null
  if (peers.some(({ pin }) => pin !== null)) return once.plan
  return settleBoundaries(costs, hops, peers, inRounds(costs, hops, peers, once))
}

/**
 * Ticks below which no plan lies, however often a token passes a peer: in a token's time each disk reads so
 * much, and by then all layers, cut anywhere, have been computed one after the other.
 * @param mostTicks of a plan.
 */
function boundWithDisks(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  mostTicks: number
): number {
  const wholeKiB = costs.residentKiB(0, costs.nLayers)
  const isPossible = (ticks: number) => {
    const memories = (peer: ViewPeer) => {
      const [last, ...others] = costs.memories(peer).toReversed() as [PricedMemory]
      const price = diskPriceOf(peer)
      const diskKiB = price === 0 ? 0 : Math.min(wholeKiB, ceilDiv(ticks, price))
      return [...others.toReversed(), { ...last, sizeKiB: last.sizeKiB + diskKiB }]
    }
    return boundOfAll({ ...costs, memories }, hops, peers) <= ticks
  }
  let low = 0
  let high = mostTicks
  while (high - low > floorDiv(mostTicks, BOUND_STEPS)) {
    const middle = floorDiv(low + high, 2)
    if (isPossible(middle)) high = middle
    else low = middle
  }
  return low
}

/** As search(). */
export function searchMemory(costs: Costs, hops: Hops, peers: ViewPeer[]): Priced {
  return { ...search(costs, hops, peers), costs }
}

/** The costs of peers that stream, where they have a disk, what their memory does not hold. */
export function withDisks(costs: Costs): Costs {
  const { nLayers } = costs
  const streams = new Streams(costs)
  const wholeKiB = costs.residentKiB(0, nLayers)
  const reachOf = perPeer((peer: Room) => streamingReach(streams, nLayers, peer))
  const stages = perPeer((peer: ViewPeer) =>
    diskPriceOf(peer) === 0 ? costs.stages(peer) : streamedStages(costs, streams, peer)
  )
  const streamedOf: Costs['streamedOf'] = (peer, ranges) =>
    diskPriceOf(peer) > 0
      ? streams.parts(capacityKiB(peer), ranges)
      : costs.streamedOf(peer, ranges)
  const diskTicks: Costs['diskTicks'] = (peer, start, end) => {
    const price = diskPriceOf(peer)
    return price && price * streams.readKiB(capacityKiB(peer), start, end, 0)
  }

  return {
    ...costs,
    stages,
    streamed: (peer, range) => streamedOf(peer, [range]) ?? [],
    streamedOf,
    fits: (peer, start, end) =>
      costs.fits(peer, start, end) || end <= (reachOf(peer)[start] as number),
    chunkUs: (peer, start, end, nTokens) =>
      Math.max(costs.chunkUs(peer, start, end, nTokens), toUs(diskTicks(peer, start, end))),
    memories(peer) {
      const diskPrice = diskPriceOf(peer)
      const memories = costs.memories(peer)
      return diskPrice === 0 ? memories : withDisk(memories, diskPrice, wholeKiB)
    },
    diskTicks
  }
}

/** (nLayers,) the layer after the last that a peer can serve from each layer on by streaming. */
function streamingReach(streams: Streams, nLayers: number, peer: Room): number[] {
  const roomKiB = capacityKiB(peer)
  let end = 0
  return Array.from({ length: nLayers }, (_, start) => {
    if (diskPriceOf(peer) === 0) return start
    end = Math.max(end, start)
    while (end < nLayers && streams.fits(roomKiB, start, end + 1)) end++
    return end
  })
}

/**
 * What a stage takes at least, as memories: until so much that its disk is as busy as its memory, what a KiB
 * costs in memory; from there on, what it costs from disk.
 */
function withDisk(
  memories: readonly PricedMemory[],
  diskTicksPerKiB: number,
  wholeKiB: number
): PricedMemory[] {
  const last = memories.at(-1) as PricedMemory
  const others = memories.slice(0, -1)
  const roomKiB = memories.reduce((sum, { sizeKiB }) => sum + sizeKiB, 0)
  if (roomKiB >= wholeKiB) return [...memories]
  const ticks = memories.reduce((sum, { sizeKiB, price }) => sum + sizeKiB * price, 0)
  if (diskTicksPerKiB <= last.price) return [...others, { ...last, sizeKiB: wholeKiB }]
  const moreKiB = Math.min(wholeKiB, ceilDiv(ticks, diskTicksPerKiB - last.price))
  return [
    ...others,
    { ...last, sizeKiB: last.sizeKiB + moreKiB },
    { sizeKiB: wholeKiB, price: diskTicksPerKiB }
  ]
}
