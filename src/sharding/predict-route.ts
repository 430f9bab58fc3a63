// Flow B, what the plan's own formulas say of the route that a session took, for the answer that it gives:
// per stage and hop, with this prompt and the sessions that run beside it. Told beside what is measured,
// so that a wrong prediction is seen. Pure; plans are made of predict.ts.

import { layersOf } from '../model/layer-part.ts'
import { createCosts, toUs } from './cost.ts'
import { createHops, STAGE_US } from './hops.ts'
import { firstTokenUs, sumOfEach } from './predict.ts'
import { ticksPerStage } from './route-ticks.ts'
import { costsOn } from './shared-costs.ts'
import { withDisks } from './stream.ts'

import type { HopPrediction, RoutePrediction } from '../wire/generation.ts'
import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { View, ViewPeer } from './facts.ts'

export interface RouteUse {
  /** Positions of the prompt that are still to be computed. */
  promptTokens: number
  /** Sessions that run on these stages, this one included. */
  nSessions: number
}

/** @returns null when a stage is none of the view: its speed is not known. */
export function predictRoute(
  { model, peers, usual }: View,
  stages: readonly RouteStage[],
  { promptTokens, nSessions }: RouteUse
): RoutePrediction | null {
  // Where more was declared than memory has room for, stages are made for the usual reserve.
  const hops = createHops(model, peers)
  const route = peersOf(peers, stages)
  if (route === null) return null
  const costs = costsOn(withDisks(createCosts({ ...model, ...usual })), route, stages)
  const stageTicks = ticksPerStage(costs, hops, route, stages)
  const ticks = stageTicks.reduce((sum, one) => sum + one, hops.routeTicks(route))
  const tokenUs = Math.max(1, toUs(ticks))
  const perPeer = sumOfEach(route, stageTicks)
  const busyTicks = stages.map(({ start, end }, index) =>
    Math.max(perPeer[index] as number, costs.diskTicks(route[index] as ViewPeer, start, end))
  )
  const slowestTicks = Math.max(...busyTicks)
  const slowest = busyTicks.indexOf(slowestTicks)
  // A token comes round no faster than its slowest stage has served all sessions.
  const queueUs = Math.max(0, nSessions * toUs(slowestTicks) - tokenUs)
  const hopTicks = hops.perHop(route)
  const perHop = stageTicks.map((one, index): HopPrediction => {
    const queueMs = index === slowest ? queueUs / 1000 : 0
    const own = [route[index] as ViewPeer, stages[index] as RouteStage] as const
    const layersOnDisk = layersOf(costs.streamed(...own)).length
    const wireMs = toUs(hopTicks[index] as number) / 1000
    const parts = { computeMs: toUs(one) / 1000, wireMs, queueMs }
    return layersOnDisk === 0 ? parts : { ...parts, layersOnDisk }
  })
  const cover = { stages: [...stages], ticks }
  return {
    tokensPerSecond: 1e6 / (tokenUs + queueUs),
    firstTokenMs: firstTokenUs(costs, hops, route, cover, promptTokens) / 1000,
    perHop
  }
}

/**
 * What the wire of a route is split by.
 * @param ownDelayUs one way between this peer and another, measured just now; null where it was not.
 * @returns one-way delays of the hops; null when a link of the route was measured by nobody.
 */
export function measuredDelaysUs(
  { peers }: View,
  stages: readonly RouteStage[],
  ownDelayUs: (from: PeerId, to: PeerId) => number | null
): number[] | null {
  const told = (from: PeerId, to: PeerId) =>
    peers.find(({ key }) => key === from)?.links?.find(({ peer }) => peer === to)?.delayUs ?? null
  const delays = stages.map(({ peer: from }, index) => {
    const to = (stages[(index + 1) % stages.length] as RouteStage).peer
    if (from === to) return 1
    const [there, back] = [told(from, to), told(to, from)]
    const published = there === null || back === null ? (there ?? back) : Math.max(there, back)
    // A view's delay is of a hop, with the stage at its end; what was measured just now is of the link alone.
    return ownDelayUs(from, to) ?? (published && Math.max(1, published - STAGE_US))
  })
  return delays.includes(null) ? null : (delays as number[])
}

function peersOf(peers: readonly ViewPeer[], stages: readonly RouteStage[]): ViewPeer[] | null {
  const route = stages.flatMap(({ peer }) => peers.find(({ key }) => key === peer) ?? [])
  return route.length === 0 || route.length < stages.length ? null : route
}
