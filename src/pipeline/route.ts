// Flow B, from plan to route: the stages that one session will use, fixed when it opens. Placement is
// advice; whoever holds the layers now may serve.

import { SwarmError } from '../base/errors.ts'
import { formatRange } from '../model/layer-range.ts'
import { readiness } from '../sharding/coverage.ts'
import { shortId, type PeerId } from '../wire/ids.ts'

import type { Plan } from '../sharding/plan.ts'
import type { ModelFacts } from '../sharding/view.ts'
import type { PeerRecord } from '../wire/record.ts'
import type { RouteStage } from '../wire/session.ts'

export interface Route {
  /** Covers [0, nLayers). */
  stages: RouteStage[]
  /** 64 hex digits each: what the origin believed when it chose. */
  planHash: string
  viewHash: string
}

/**
 * @param records of the peers that are within reach, this one included.
 * @throws PLAN_GAP naming the layers that are missing, or who is still loading them.
 */
export function chooseRoute(
  model: ModelFacts,
  arithmeticVersion: number,
  plan: Plan,
  records: Iterable<PeerRecord>
): Route {
  const { state, stages, text } = readiness(model, arithmeticVersion, plan, records)
  if (state !== 'ready') throw new SwarmError('PLAN_GAP', text)
  return { stages, planHash: plan.hash, viewHash: plan.viewHash }
}

/** A stage as people read it: `1a2b3c4d (layers 10-19)`. */
export function describeStage(stage: RouteStage): string {
  return `${shortId(stage.peer)} (layers ${formatRange(stage)})`
}

/** The loss of a peer of a route, as its neighbours and the origin report it. */
export function goneError(peer: PeerId, stages: RouteStage[]): SwarmError {
  const stage = stages.find((stage) => stage.peer === peer)
  const who = stage ? describeStage(stage) : shortId(peer)
  return new SwarmError('PEER_GONE', `${who} is gone: ask again and another route is taken`, {
    peer
  })
}
