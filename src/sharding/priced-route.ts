// Flow C, stages that cover all layers as a plan: whether their peers can hold them, and what a token takes
// with everything that they share. Pure; the search itself estimates stage by stage, which is cheaper.

import { ticksPerStage } from './route-ticks.ts'
import { costsOn } from './shared-costs.ts'

import type { RouteStage } from '../wire/session.ts'
import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './cover.ts'

export interface PricedRoute {
  plan: Candidate
  /** The peers of the stages. */
  route: readonly ViewPeer[]
  /** Those of the route. */
  costs: Costs
}

/** @returns null where a peer cannot hold its stages. */
export function pricedRoute(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: RouteStage[]
): PricedRoute | null {
  const route = routeOf(peers, stages)
  const own = costsOn(costs, route, stages)
  const isPossible = stages.every(({ start, end }, index) =>
    own.fits(route[index] as ViewPeer, start, end)
  )
  if (!isPossible) return null
  const perStage = ticksPerStage(own, hops, route, stages)
  const ticks = perStage.reduce((sum, one) => sum + one, hops.routeTicks(route))
  const slowestTicks = Math.max(...perStage)
  return { plan: { stages, missing: [], missed: 0, ticks, slowestTicks }, route, costs: own }
}

/** @param peers all of these stages among them. */
export function routeOf(peers: readonly ViewPeer[], stages: readonly RouteStage[]): ViewPeer[] {
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  return stages.map(({ peer }) => byKey.get(peer) as ViewPeer)
}
