// Flow C, the slowest tier: layers that stay on disk and are read for every token while others compute.
// What fits is pinned in memory, the rest passes through a slot of two halves, so a disk may run for the
// whole of a token's time: a plan's time is the larger of its route and of its busiest disk. The least such
// time is found by bisection on the bound, then by a few whole searches just above it. Pure.

import { boundOfAll } from './bound.ts'
import { capacityKiB, priceOf, SHARE, type Costs } from './cost.ts'
import { ceilDiv, floorDiv } from './integer.ts'
import { better, search, type Candidate, type Searched } from './search.ts'

import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'

/** Half a layer is computed while the next half is read. */
const SLOTS = 1
/** Plans tried above the bound, and their distance: whole layers cost a few percent of a token. */
const TRIES = 12
const TRY_PERCENT = 2
/** An hour and a half for one token: no disk that slow is of use. */
const TICKS_MAX = 2 ** 49

/** As search(); peers without a disk rate hold all of their layers in memory. */
export function searchWithDisks(costs: Costs, hops: Hops, peers: ViewPeer[]): Searched {
  const plain = search(costs, hops, peers)
  if (peers.every(({ diskMiBps }) => !diskMiBps)) return plain
  const least = leastTicks(costs, hops, peers)
  if (least === null) return plain
  let best = plain.best
  for (let i = 0; i < TRIES; i++) {
    const ticks = floorDiv(least, 100) * (100 + TRY_PERCENT * i)
    if (best.missing.length === 0 && ticks >= best.ticks) break
    const tried = search(costs, hops, streaming(costs, peers, ticks)).best
    if (tried.missing.length > 0) continue
    best = better(best, withDisks(costs, peers, tried))
  }
  const boundTicks = Math.min(best.ticks, plain.boundTicks, least)
  return { best, boundTicks }
}

/** Ticks of the busiest disk for one token of this stage; 0 when all of it stays in memory. */
export function diskTicks(costs: Costs, peer: ViewPeer, start: number, end: number): number {
  const residentKiB = costs.residentKiB(start, end)
  if (residentKiB <= capacityKiB(peer)) return 0
  const pinnedKiB = Math.max(0, capacityKiB(peer) - slotsKiB(costs))
  const share = ceilDiv((residentKiB - pinnedKiB) * SHARE, residentKiB)
  const streamedKiB = ceilDiv(costs.activeKiB(start, end) * share, SHARE)
  return streamedKiB * priceOf({ weightMiBps: Math.max(1, peer.diskMiBps ?? 0) })
}

/** The time of a token below which not even layers cut anywhere fit; null: no time is enough. */
function leastTicks(costs: Costs, hops: Hops, peers: ViewPeer[]): number | null {
  const isEnough = (ticks: number) =>
    boundOfAll(costs, hops, streaming(costs, peers, ticks)) <= ticks
  let high = 2 ** 20
  while (high < TICKS_MAX && !isEnough(high)) high *= 2
  if (high >= TICKS_MAX) return null
  let low = floorDiv(high, 2)
  while (high - low > floorDiv(high, 2 ** 12)) {
    const middle = floorDiv(low + high, 2)
    if (isEnough(middle)) high = middle
    else low = middle
  }
  return high
}

/** The peers with as much more memory as their disks can read in so many ticks. */
function streaming(costs: Costs, peers: ViewPeer[], ticks: number): ViewPeer[] {
  const { nLayers } = costs
  const wholeKiB = costs.residentKiB(0, nLayers)
  // Of a mixture of experts a token reads few of the bytes that pass for it.
  const share = Math.max(1, floorDiv(costs.activeKiB(0, nLayers) * SHARE, Math.max(1, wholeKiB)))
  return peers.map((peer) => {
    const { diskMiBps = 0, memoryKiB } = peer
    if (diskMiBps === 0) return peer
    const readKiB = Math.min(wholeKiB, floorDiv(ticks, priceOf({ weightMiBps: diskMiBps })))
    const streamedKiB = Math.min(wholeKiB, floorDiv(readKiB * SHARE, share))
    return { ...peer, memoryKiB: Math.max(memoryKiB, memoryKiB - slotsKiB(costs) + streamedKiB) }
  })
}

function withDisks(costs: Costs, peers: ViewPeer[], found: Candidate): Candidate {
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const disks = found.stages.map(({ peer, start, end }) =>
    diskTicks(costs, byKey.get(peer) as ViewPeer, start, end)
  )
  return { ...found, ticks: Math.max(found.ticks, ...disks) }
}

function slotsKiB({ model }: Costs): number {
  return SLOTS * Math.max(...model.layerKiB)
}
