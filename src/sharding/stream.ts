// Flow C, the slowest memory: layers that stay on disk and are read for every token (streamed-layers.ts says
// which). Owns what such a stage costs, and when disks count at all: only where the memory of all peers
// holds no plan. The disk reads ahead while other stages compute and reads the rest during the stage's own
// turn: memory holds no more before it. The search is search.ts's, with these costs. Pure.

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
import { ceilDiv, floorDiv, prefixSums } from './integer.ts'
import { pricedRoute } from './priced-route.ts'
import { inRounds } from './rounds.ts'
import { search, type Searched } from './search.ts'
import { createStreams, LAYERS_AHEAD, type Streams } from './streamed-layers.ts'

import type { Candidate } from './cover.ts'
import type { ViewPeer } from './facts.ts'
import type { LayerRange } from '../model/layer-range.ts'
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
  const streams = createStreams(costs)
  const wholeKiB = costs.residentKiB(0, nLayers)
  const knownOf = perPeer((peer: Room) => createKnown(streams, nLayers, peer))
  const inMemoryOf = perPeer((peer: ViewPeer) => createInMemory(costs, peer))
  const streamedOf: Costs['streamedOf'] = (peer, ranges) =>
    diskPriceOf(peer) > 0
      ? streams.layers(capacityKiB(peer), ranges)
      : costs.streamedOf(peer, ranges)
  const readTicks = (peer: Room, range: LayerRange, ahead: number) => {
    const { roomKiB, diskTicksPerKiB } = knownOf(peer)
    return diskTicksPerKiB && diskTicksPerKiB * streams.readKiB(roomKiB, range, ahead)
  }
  const streamingTicks = (peer: ViewPeer, start: number, end: number) => {
    const inMemory = inMemoryOf(peer)
    const computeTicks = inMemory.stageTicks(start, end)
    // Of layers that are streamed there are two at least, so some of them are read in its turn.
    const inTurnTicks = readTicks(peer, { start, end }, LAYERS_AHEAD)
    if (inTurnTicks === 0) return computeTicks
    return Math.max(computeTicks, inMemory.idleTicks(end) + inTurnTicks)
  }

  return {
    ...costs,
    streamed: (peer, range) => streamedOf(peer, [range]) ?? [],
    streamedOf,
    fits: (peer, start, end) =>
      costs.fits(peer, start, end) || end <= (knownOf(peer).reach[start] as number),
    stageTicks(peer, start, end) {
      const { ticks } = knownOf(peer)
      const at = end * (nLayers + 1) + start
      const known = ticks[at] as number
      if (known > 0) return known
      return (ticks[at] = streamingTicks(peer, start, end))
    },
    stageTicksMin(peer, start, end) {
      const { ticks, roomKiB, diskTicksPerKiB } = knownOf(peer)
      const at = end * (nLayers + 1) + start
      const known = ticks[at] as number
      if (known !== 0) return Math.abs(known)
      const inMemory = inMemoryOf(peer)
      const computeTicks = inMemory.stageTicks(start, end)
      const excessKiB = costs.residentKiB(start, end) - roomKiB
      if (excessKiB <= 0) return (ticks[at] = computeTicks)
      // What is streamed makes room for the excess and for its largest layer, and all but one of it is read
      // in the stage's turn.
      const inTurnTicks = excessKiB * diskTicksPerKiB
      const leastTicks = Math.max(computeTicks, inMemory.idleTicks(end) + inTurnTicks)
      ticks[at] = -leastTicks
      return leastTicks
    },
    chunkUs: (peer, start, end, nTokens) =>
      Math.max(costs.chunkUs(peer, start, end, nTokens), toUs(readTicks(peer, { start, end }, 0))),
    isSum: (peer) => diskPriceOf(peer) === 0 && costs.isSum(peer),
    memories(peer) {
      const diskPrice = diskPriceOf(peer)
      const memories = costs.memories(peer)
      return diskPrice === 0 ? memories : withDisk(memories, diskPrice, wholeKiB)
    },
    diskTicks: (peer, start, end) => readTicks(peer, { start, end }, 0)
  }
}

/** A peer and what was asked of its stages. */
interface KnownStages {
  roomKiB: number
  /** 0 where it streams nothing. */
  diskTicksPerKiB: number
  /** (nLayers,) the layer after the last that it can serve from each layer on by streaming. */
  reach: number[]
  /** Of [start, end) at end * (nLayers + 1) + start; 0: not asked yet, negative: so many at least. */
  ticks: Float64Array
}

/** What is known of each peer. One of them is asked about many times in a row. */
function perPeer<Peer extends Room, Known>(create: (peer: Peer) => Known): (peer: Peer) => Known {
  const all = new Map<Peer, Known>()
  let lastPeer: Peer | null = null
  let lastKnown: Known | null = null
  return (peer) => {
    if (peer === lastPeer) return lastKnown as Known
    let known = all.get(peer)
    if (known === undefined) all.set(peer, (known = create(peer)))
    lastPeer = peer
    lastKnown = known
    return known
  }
}

/** Ticks of a peer's stages where memory holds all of them: known for each layer, not priced each time. */
interface InMemory {
  stageTicks(start: number, end: number): number
  /**
   * While its disk stands still: before a part of the first layer was computed there is no place to read
   * into, and once the last was read a part of it is to be computed, and the head: half a layer in all.
   */
  idleTicks(end: number): number
}

function createInMemory(costs: Costs, peer: ViewPeer): InMemory {
  const layers = Array.from({ length: costs.nLayers }, (_, layer) => layer)
  const ofLayer = layers.map((layer) => costs.stageTicks(peer, layer, layer + 1))
  const isSum = costs.isSum(peer)
  const upTo = prefixSums(ofLayer)
  const idleTicks = ofLayer.map((ticks, layer) => {
    const readKiB = Math.max(1, costs.activeKiB(layer, layer + 1))
    return ticks - floorDiv(ticks, 2 * readKiB) * (costs.model.activeKiB[layer] as number)
  })
  return {
    stageTicks: (start, end) =>
      isSum ? (upTo[end] as number) - (upTo[start] as number) : costs.stageTicks(peer, start, end),
    idleTicks: (end) => idleTicks[end - 1] as number
  }
}

function createKnown(streams: Streams, nLayers: number, peer: Room): KnownStages {
  const roomKiB = capacityKiB(peer)
  const diskTicksPerKiB = diskPriceOf(peer)
  let end = 0
  const reach = Array.from({ length: nLayers }, (_, start) => {
    if (diskTicksPerKiB === 0) return start
    end = Math.max(end, start)
    while (end < nLayers && streams.fits(roomKiB, { start, end: end + 1 })) end++
    return end
  })
  return { roomKiB, diskTicksPerKiB, reach, ticks: new Float64Array((nLayers + 1) ** 2) }
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
