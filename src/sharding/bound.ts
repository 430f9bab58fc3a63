// Flow C, what no plan can beat: layers may be cut anywhere, bytes that are read most go to the fastest
// memory, and every stage pays the cheapest hop. Exact for that relaxation (both sides sorted, as in a
// transport problem with product costs), so a set of peers whose bound is not below the best plan known
// need not be looked at. Pure; plans themselves are exact.ts's.

import { SHARE, type Costs, type PricedMemory } from './cost.ts'
import { floorDiv } from './integer.ts'

import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'

/** Nodes of one enumeration of subsets, and subsets kept: memory and 10 ms on a slow core. */
const NODES_MAX = 2 ** 16
const SUBSETS_MAX = 2 ** 12

export interface Subset {
  /** Bit i: peer i takes part. */
  mask: number
  boundTicks: number
}

interface PricedTier extends PricedMemory {
  peer: number
  /** The first of its peer's tiers: here it is decided whether the peer takes part. */
  isFirst: boolean
  /** The tier before it is of a peer like this one: of likes the earlier are taken first. */
  isLike: boolean
}

/**
 * Subsets of at most 16 peers whose bound lies below `limitTicks`, best first.
 * @returns all of them, or those found within the limits of one search and `isWhole` false.
 */
export function subsetsBelow(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  limitTicks: number
): { subsets: Subset[]; isWhole: boolean } {
  const tiers = tiersOf(costs, peers, hops.isUniform)
  const read = createReading(costs)
  const roomFrom = tiers.map(() => 0).concat(0)
  for (let i = tiers.length - 1; i >= 0; i--) {
    roomFrom[i] = (roomFrom[i + 1] as number) + (tiers[i] as PricedTier).sizeKiB
  }
  const subsets: Subset[] = []
  let nodes = 0
  let isWhole = true

  // `within`: of so many KiB at rest those that a token reads.
  const visit = (
    at: number,
    mask: number,
    count: number,
    sizeKiB: number,
    within: number,
    ticks: number
  ) => {
    nodes += 1
    if (nodes > NODES_MAX || subsets.length >= SUBSETS_MAX) {
      isWhole = false
      return
    }
    const isFull = sizeKiB >= read.totalKiB
    if (!isFull && sizeKiB + (roomFrom[at] as number) < read.totalKiB) return
    const tier = tiers[at]
    const restKiB = read.activeKiB - within
    const fill = tier && !isFull ? restKiB * tier.price : 0
    const leastTicks = lessRounding(ticks + fill) + hopsBound(hops, count)
    if (leastTicks >= limitTicks) return
    if (tier === undefined) {
      if (isFull && mask !== 0) subsets.push({ mask, boundTicks: leastTicks })
      return
    }
    const bit = 1 << tier.peer
    const grownKiB = sizeKiB + tier.sizeKiB
    const grownWithin = isFull ? within : read.within(grownKiB)
    const grownTicks = ticks + (grownWithin - within) * tier.price
    const isLikeLeftOut = tier.isLike && (mask & (1 << (tiers[at - 1] as PricedTier).peer)) === 0
    if (!tier.isFirst) {
      if ((mask & bit) === 0) visit(at + 1, mask, count, sizeKiB, within, ticks)
      else visit(at + 1, mask, count, grownKiB, grownWithin, grownTicks)
      return
    }
    if (!isLikeLeftOut) visit(at + 1, mask | bit, count + 1, grownKiB, grownWithin, grownTicks)
    visit(at + 1, mask, count, sizeKiB, within, ticks)
  }
  visit(0, 0, 0, 0, 0, 0)
  subsets.sort((a, b) => a.boundTicks - b.boundTicks || a.mask - b.mask)
  return { subsets, isWhole }
}

/** Ticks that no plan of these peers, however many, can beat; Infinity when they have no room. */
export function boundOfAll(costs: Costs, hops: Hops, peers: readonly ViewPeer[]): number {
  const read = createReading(costs)
  let sizeKiB = 0
  let ticks = 0
  for (const tier of tiersOf(costs, peers, false)) {
    const grownKiB = sizeKiB + tier.sizeKiB
    ticks += (read.within(grownKiB) - read.within(sizeKiB)) * tier.price
    sizeKiB = grownKiB
  }
  if (sizeKiB < read.totalKiB) return Infinity
  const isOneEnough = peers.some((peer) => {
    const roomKiB = costs.memories(peer).reduce((sum, memory) => sum + memory.sizeKiB, 0)
    return roomKiB >= read.totalKiB
  })
  return lessRounding(ticks + (isOneEnough ? 0 : hopsBound(hops, 2)))
}

/** Ticks of the hops of a route of so many stages, at least. */
export function hopsBound(hops: Hops, nStages: number): number {
  if (nStages < 2) return 0
  return Math.max(0, nStages * hops.ticksMin - hops.activationTicksMax)
}

/** A memory is used once those before it are full: none is cheaper than they are. */
export function risingPrices(memories: readonly PricedMemory[]): PricedMemory[] {
  let most = 0
  return memories.map(({ sizeKiB, price }) => {
    most = Math.max(most, price)
    return { sizeKiB, price: most }
  })
}

/** Shares are rounded to 2^-20 of a unit, so a bound is off by less than 2^-18 of itself. */
export function lessRounding(ticks: number): number {
  return ticks - floorDiv(ticks, 2 ** 18)
}

function tiersOf(costs: Costs, peers: readonly ViewPeer[], areLikesOne: boolean): PricedTier[] {
  const memories = peers.map((peer) => costs.memories(peer))
  const tiers = memories.flatMap((ofPeer, peer) =>
    risingPrices(ofPeer).map((memory, index): PricedTier => {
      return { peer, ...memory, isFirst: index === 0, isLike: false }
    })
  )
  tiers.sort(
    (a, b) =>
      a.price - b.price ||
      Number(b.isFirst) - Number(a.isFirst) ||
      a.sizeKiB - b.sizeKiB ||
      a.peer - b.peer
  )
  for (const [index, tier] of tiers.entries()) {
    const before = tiers[index - 1]
    const isPlain = (one: PricedTier) => memories[one.peer]?.length === 1
    tier.isLike =
      areLikesOne &&
      before !== undefined &&
      isPlain(tier) &&
      isPlain(before) &&
      before.price === tier.price &&
      before.sizeKiB === tier.sizeKiB
  }
  return tiers
}

interface Reading {
  totalKiB: number
  activeKiB: number
  /** Most bytes that one token can read within so many resident ones. */
  within(sizeKiB: number): number
}

/** The model as bytes at rest, those that are read most of them first. */
function createReading(costs: Costs): Reading {
  const { model, nLayers } = costs
  const units: { sizeKiB: number; readKiB: number; share: number }[] = []
  const add = (sizeKiB: number, readKiB: number) => {
    if (sizeKiB > 0) units.push({ sizeKiB, readKiB, share: floorDiv(readKiB * SHARE, sizeKiB) })
  }
  for (let layer = 0; layer < nLayers; layer++) {
    const isLast = layer + 1 === nLayers
    const readKiB = costs.activeKiB(layer, layer + 1) - (isLast ? model.headKiB : 0)
    const kvKiB = costs.residentKiB(layer, layer + 1)
    const ends = (layer === 0 ? model.embeddingKiB : 0) + (isLast ? model.headKiB : 0)
    const shared =
      layer === 0 && isLast && model.tied ? Math.min(model.embeddingKiB, model.headKiB) : 0
    add(kvKiB - ends + shared, readKiB)
  }
  add(model.headKiB, model.headKiB)
  // A peer with both ends of a tied model holds one table.
  add(model.tied ? Math.max(0, model.embeddingKiB - model.headKiB) : model.embeddingKiB, 0)
  units.sort((a, b) => b.share - a.share)
  const sizes = [0]
  const reads = [0]
  for (const { sizeKiB, readKiB } of units) {
    sizes.push((sizes.at(-1) as number) + sizeKiB)
    reads.push((reads.at(-1) as number) + readKiB)
  }
  const totalKiB = sizes.at(-1) as number
  const activeKiB = reads.at(-1) as number
  return {
    totalKiB,
    activeKiB,
    within(sizeKiB) {
      if (sizeKiB >= totalKiB) return activeKiB
      let low = 0
      let high = units.length
      while (high - low > 1) {
        const middle = (low + high) >> 1
        if ((sizes[middle] as number) <= sizeKiB) low = middle
        else high = middle
      }
      const share = (units[low]?.share ?? 0) + 1
      const part = floorDiv((sizeKiB - (sizes[low] as number)) * share, SHARE) + 1
      return Math.min(activeKiB, (reads[low] as number) + part)
    }
  }
}
