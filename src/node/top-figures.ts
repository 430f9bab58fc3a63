// The figures behind the dashboard that are computed and not counted: bytes of weights that a range reads,
// and what a plan promises. What a range holds is room.ts's. Pure.

import type { LayerRange } from '../model/layer-range.ts'
import type { Plan } from '../sharding/plan.ts'
import type { ModelFacts } from '../sharding/facts.ts'
import type { RouteStage } from '../wire/session.ts'

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
