// The figures behind the dashboard that are computed and not counted: bytes of weights that a range reads,
// and what the cost model says of a route. What it holds is room.ts's. Pure.

import { createCosts, toUs } from '../sharding/cost.ts'
import { createHops } from '../sharding/hops.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { Plan } from '../sharding/plan.ts'
import type { ModelFacts, View, ViewPeer } from '../sharding/view.ts'
import type { RouteStage } from '../wire/session.ts'

/** What the cost model says of one token on a route. */
export interface RoutePrediction {
  /** Of each stage, in the route's order. */
  computeMs: number[]
  /** Of each hop: an equal share of all of them, as hops are measured. */
  wireMs: number
  tokensPerSecond: number
}

/** Bytes of weights that one token reads in a range; the last layer brings the head. */
export function activeBytes(
  { activeKiB, headKiB, nLayers }: ModelFacts,
  range: LayerRange
): number {
  return (sum(activeKiB, range) + (range.end === nLayers ? headKiB : 0)) * 1024
}

/** Bytes of weights behind so many reads of each layer. */
export function readBytes(facts: ModelFacts, readsPerLayer: readonly number[]): number {
  const layers = readsPerLayer.reduce(
    (total, reads, layer) => total + reads * (facts.activeKiB[layer] ?? 0),
    0
  )
  return (layers + (readsPerLayer.at(-1) ?? 0) * facts.headKiB) * 1024
}

/** Null when a stage is none of the view: its speed is not known. */
export function predictRoute(
  { model, peers }: View,
  stages: readonly RouteStage[]
): RoutePrediction | null {
  const costs = createCosts(model)
  const route = stages.flatMap(({ peer }) => peers.find(({ key }) => key === peer) ?? [])
  if (route.length === 0 || route.length < stages.length) return null
  const known = stages.map(({ start, end }, index) =>
    costs.stageTicks(route[index] as ViewPeer, start, end)
  )
  const hopTicks = createHops(model, peers).routeTicks(route)
  const tokenUs = Math.max(1, toUs(known.reduce((total, one) => total + one, hopTicks)))
  return {
    computeMs: known.map((one) => toUs(one) / 1000),
    wireMs: toUs(hopTicks) / 1000 / stages.length,
    tokensPerSecond: 1e6 / tokenUs
  }
}

/** Whether two routes are the same peers with the same layers; as a key of a table. */
export function routeKey(stages: readonly RouteStage[]): string {
  return stages.map(({ peer, start, end }) => `${peer} ${start} ${end}`).join()
}

/** Tokens per second that a plan is predicted to reach; 0 when it does not cover all layers. */
export function plannedRate(plan: Plan): number {
  return plan.predicted?.tokensPerSecond ?? 0
}

function sum(values: readonly number[], { start, end }: LayerRange): number {
  return values.slice(start, end).reduce((total, value) => total + value, 0)
}
