// Flow C, standing still: what the peers already hold stays the plan until another one is so much faster
// that moving pays. What is held is part of every peer's record, so this needs no history and is the same
// everywhere; it keeps noise in measurements from moving gigabytes. Layers that stand by count only where
// the stages leave layers open and nobody is on the way to another stage, as when a machine went: else each
// standby, and each step of a plan that is being carried out, would be another plan to think about. Pure.

import { containsAll, union, type LayerRange } from '../model/layer-range.ts'
import { toUs, type Costs } from './cost.ts'
import { shortestCover } from './cover.ts'
import { ceilDiv, floorDiv } from './integer.ts'
import { pricedRoute } from './priced-route.ts'

import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './cover.ts'

/** Two steps of a rate are 41 %, one is 19 %: of a plan over several peers one step is about 8 %. */
const GAIN_PERCENT = 8
/** What a move must repay itself in: some hours of one person's talk with a model. */
const HORIZON_TOKENS = 20_000
/** At which moved layers arrive where no disk rate is known: gigabit Ethernet, or a slow disk. */
const MOVE_MIBPS = 100

/** The better of a plan and of what is held now, moving included. */
export function preferHeld(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  best: Candidate
): Candidate {
  const held = heldPlan(costs, hops, peers)
  if (held === null || best.missing.length > 0) return best
  const gainTicks = held.ticks - best.ticks
  if (gainTicks <= floorDiv(best.ticks, 100) * GAIN_PERCENT) return held
  return toUs(gainTicks) * HORIZON_TOKENS <= moveUs(costs, peers, best) ? held : best
}

/** The held stages as a plan, where they are one: they cover all layers and none overlaps the next. */
function heldPlan(costs: Costs, hops: Hops, peers: readonly ViewPeer[]): Candidate | null {
  if (peers.some(({ pin }) => pin !== null)) return null
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const spans = peers.flatMap(({ key, held = [] }) => held.map((one) => ({ peer: key, ...one })))
  const { stages, missing } = shortestCover(costs.nLayers, spans, ({ end }) => end, true)
  if (missing.length > 0) return takeover(costs, hops, peers)
  const areWhole = stages.every(({ peer, start, end }) => {
    const { held = [] } = byKey.get(peer) as ViewPeer
    return held.some((range) => range.start === start && range.end === end)
  })
  return areWhole ? (pricedRoute(costs, hops, peers, stages)?.plan ?? null) : null
}

/** Everything that is held as a plan, standbys included; each peer has room for what it would serve. */
function takeover(costs: Costs, hops: Hops, peers: readonly ViewPeer[]): Candidate | null {
  if (peers.some(({ isMoving = false }) => isMoving)) return null
  const spans = peers.flatMap((peer) => heldBy(peer).map((range) => ({ peer: peer.key, ...range })))
  const { stages, missing } = shortestCover(costs.nLayers, spans)
  return missing.length === 0 ? (pricedRoute(costs, hops, peers, stages)?.plan ?? null) : null
}

function heldBy({ held = [], standby = [] }: ViewPeer): LayerRange[] {
  return union(held, standby)
}

/**
 * Until the peers of a plan hold what they do not hold yet, one after the other; a stage counts whole unless
 * it is held whole, and with what stays on disk: a gain in reading that for every token repays it at once.
 */
function moveUs(costs: Costs, peers: readonly ViewPeer[], { stages }: Candidate): number {
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const movedKiB = new Map<number, number>()
  for (const stage of stages) {
    const peer = byKey.get(stage.peer) as ViewPeer
    if (containsAll(heldBy(peer), [stage])) continue
    const { diskMiBps = MOVE_MIBPS } = peer
    const sizeKiB = costs.residentKiB(stage.start, stage.end)
    movedKiB.set(diskMiBps, (movedKiB.get(diskMiBps) ?? 0) + sizeKiB)
  }
  // A KiB at 1 MiB/s takes a thousandth of a second, nearly.
  return [...movedKiB].reduce((sum, [mibps, sizeKiB]) => sum + ceilDiv(sizeKiB * 1000, mibps), 0)
}
