// Flow C, what it costs a peer to hold and to run layers [start, end). Time is in ticks of 10 ps, so
// that prices are whole numbers and the cost of layers is exactly the sum of theirs: two peers of one
// speed then tie exactly, however the layers lie between them. Pure and stateless but for prefix sums.
// The token table and the head are planned like layers: held with the first and with the last one.

import { RATE_MIBPS_MIN } from '../base/limits.ts'
import { kvKiBPerLayer, partSizes } from './facts.ts'
import { ceilDiv, floorDiv, prefixSums } from './integer.ts'
import { perPeer } from './per-peer.ts'
import { StageTicks } from './stage-ticks.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { ModelFacts, PartSizes, Tier, ViewPeer } from './facts.ts'

export const TICKS_PER_US = 100_000
// Ticks that one KiB takes at 1 MiB/s: 10^11 / 1024, rounded down.
const TICKS_PER_KIB = 97_656_250
/** Denominator of shares: with 2^31 KiB of one model every product stays below 2^53. */
export const SHARE = 2 ** 20

/** Above an hour for one position of a prompt nobody waits; the bound keeps sums whole. */
const TOKEN_US_MAX = 2 ** 32

/** Where a peer has layers. */
export type Room = Pick<ViewPeer, 'memoryKiB' | 'accelerator' | 'diskMiBps'>

/** Memory that is read at one price; what is read from disk is one too. */
export interface PricedMemory {
  sizeKiB: number
  /** Ticks of one KiB. */
  price: number
}

/** KiB of everything that a peer holds which has layers [start, end). */
type HoldsKiB = (peer: ViewPeer, start: number, end: number) => number

export interface Costs {
  readonly model: ModelFacts
  readonly nLayers: number
  /** Weights and reserved KV of [start, end). */
  residentKiB(start: number, end: number): number
  /** Bytes that one token reads in [start, end). */
  activeKiB(start: number, end: number): number
  /** Whether a peer can hold [start, end): weights and reserved KV in the memory that it claims. */
  fits(peer: Room, start: number, end: number): boolean
  /** Ticks of one token in layers [start, end) that memory holds. */
  memoryTicks(peer: ViewPeer, start: number, end: number): number
  /** The same of all its stages, with layers from disk. */
  stages(peer: ViewPeer): StageTicks
  /**
   * Microseconds of so many positions of one prompt together in [start, end), without the head: reading the
   * weights and then computing, which kernels overlap in part. Of none: reading alone.
   */
  chunkUs(peer: ViewPeer, start: number, end: number, nTokens: number): number
  /** Microseconds of the head for whoever has [start, end), besides the layers. */
  headUs(peer: ViewPeer, start: number, end: number): number
  /** Each stage of this peer takes at least the price of what a token reads, the cheapest memory first. */
  memories(peer: ViewPeer): PricedMemory[]
  /**
   * Parts of layers (model/layer-part.ts) of the range that are read from disk for each token; none of a peer
   * that has room for all.
   */
  streamed(peer: Room, range: LayerRange): number[]
  /** Of several ranges that it holds, ascending; null where it cannot hold them. */
  streamedOf(peer: Room, ranges: readonly LayerRange[]): number[] | null
  /** (LAYER_PARTS, nLayers) resident bytes of each part, and those that a token reads. */
  readonly partsKiB: PartSizes
  readonly activePartsKiB: PartSizes
  /** Ticks that its disk reads for one token of [start, end); 0 where nothing is streamed. */
  diskTicks(peer: ViewPeer, start: number, end: number): number
}

/**
 * With every layer in memory; stream.ts adds disks to these.
 * @param holdsKiB what a peer that has [start, end) holds in all; absent: nothing else.
 */
export function createCosts(model: ModelFacts, holdsKiB: HoldsKiB | null = null): Costs {
  const { nLayers, embeddingKiB, headKiB, tied } = model
  const kvKiB = kvKiBPerLayer(model)
  const resident = prefixSums(model.layerKiB.map((sizeKiB) => sizeKiB + kvKiB))
  const active = prefixSums(model.activeKiB)
  const kops = prefixSums(model.layerKops ?? model.layerKiB.map(() => 0))
  const between = (sums: number[], start: number, end: number) =>
    (sums[end] as number) - (sums[start] as number)

  const residentKiB = (start: number, end: number) => {
    const hasEmbedding = start === 0
    const hasHead = end === nLayers
    let sizeKiB = between(resident, start, end)
    if (hasEmbedding) sizeKiB += embeddingKiB
    if (hasHead) sizeKiB += headKiB
    if (hasEmbedding && hasHead && tied) sizeKiB -= Math.min(embeddingKiB, headKiB)
    return sizeKiB
  }
  const activeKiB = (start: number, end: number) =>
    between(active, start, end) + (end === nLayers ? headKiB : 0)
  const rangeTicks = (peer: ViewPeer, start: number, end: number, readKiB: number) =>
    readTicks(peer, holdsKiB?.(peer, start, end) ?? residentKiB(start, end), readKiB)
  const stageTicks = (peer: ViewPeer, start: number, end: number) =>
    rangeTicks(peer, start, end, activeKiB(start, end))
  const layersUs = (peer: ViewPeer, start: number, end: number) =>
    toUs(rangeTicks(peer, start, end, between(active, start, end)))
  const stages = perPeer((peer: ViewPeer) => {
    if (peer.accelerator !== undefined) {
      return new StageTicks(nLayers, false, (start, end) => stageTicks(peer, start, end))
    }
    const price = priceOf(peer)
    return new StageTicks(nLayers, true, (start, end) => activeKiB(start, end) * price)
  })

  const sizesKiB = partSizes(model)
  const costs: Costs = {
    model,
    nLayers,
    partsKiB: sizesKiB,
    activePartsKiB: sizesKiB.map((own) =>
      own.map((sizeKiB, layer) => activeOf(model, layer, sizeKiB))
    ),
    residentKiB,
    activeKiB,
    fits: (peer, start, end) => residentKiB(start, end) <= capacityKiB(peer),
    memoryTicks: stageTicks,
    stages,
    chunkUs(peer, start, end, nTokens) {
      const readUs = layersUs(peer, start, end)
      if (!peer.int8Mops) return readUs
      const perTokenUs = ceilDiv(between(kops, start, end) * 1000, peer.int8Mops)
      return readUs + Math.min(perTokenUs, TOKEN_US_MAX) * nTokens
    },
    headUs: (peer, start, end) =>
      Math.max(0, toUs(stageTicks(peer, start, end)) - layersUs(peer, start, end)),
    memories(peer) {
      const tiers = peer.accelerator ? [peer.accelerator, peer] : [peer]
      return tiers.map((tier) => ({ sizeKiB: tier.memoryKiB, price: priceOf(tier) }))
    },
    streamed: () => [],
    streamedOf: (peer, ranges) => (holdingKiB(costs, ranges) <= capacityKiB(peer) ? [] : null),
    diskTicks: () => 0
  }
  return costs
}

/** What a token reads of a part: of a mixture of experts as large a share as of its layer. */
function activeOf({ layerKiB, activeKiB }: ModelFacts, layer: number, partKiB: number): number {
  const share = floorDiv(partKiB * SHARE, Math.max(1, layerKiB[layer] as number))
  return floorDiv((activeKiB[layer] as number) * share, SHARE)
}

/** Ticks of reading so much of what a peer holds: its accelerator has its share of all that is held. */
export function readTicks(peer: ViewPeer, holdsKiB: number, readKiB: number): number {
  if (peer.accelerator === undefined) return readKiB * priceOf(peer)
  const heldKiB = Math.max(1, holdsKiB)
  const fastKiB = Math.min(heldKiB, peer.accelerator.memoryKiB)
  const fast = floorDiv(readKiB * floorDiv(fastKiB * SHARE, heldKiB), SHARE)
  return fast * priceOf(peer.accelerator) + (readKiB - fast) * priceOf(peer)
}

/** Weights and reserved KV of ranges that do not overlap: both ends of a tied model share one table. */
export function holdingKiB(costs: Costs, ranges: readonly LayerRange[]): number {
  const { model, nLayers } = costs
  const hasBoth =
    ranges.some(({ start }) => start === 0) && ranges.some(({ end }) => end === nLayers)
  const isOne = ranges.some(({ start, end }) => start === 0 && end === nLayers)
  const sharedKiB =
    model.tied && hasBoth && !isOne ? Math.min(model.embeddingKiB, model.headKiB) : 0
  return ranges.reduce((sum, { start, end }) => sum + costs.residentKiB(start, end), -sharedKiB)
}

/** Everything that a peer can hold, its accelerator included. */
export function capacityKiB(peer: Room): number {
  return peer.memoryKiB + (peer.accelerator?.memoryKiB ?? 0)
}

/** Ticks of one KiB. */
export function priceOf({ weightMiBps }: Pick<Tier, 'weightMiBps'>): number {
  return floorDiv(TICKS_PER_KIB, weightMiBps)
}

/** Ticks of one KiB from disk; 0: none, or one slower than any memory that plans count with: of no use. */
export function diskPriceOf({ diskMiBps = 0 }: Room): number {
  return diskMiBps < RATE_MIBPS_MIN ? 0 : priceOf({ weightMiBps: diskMiBps })
}

export function toUs(ticks: number): number {
  return floorDiv(ticks, TICKS_PER_US)
}
