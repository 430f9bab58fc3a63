// Flow B, from plan to route: the stages that one session will use, fixed when it opens. Placement is
// advice; whoever holds the layers now may serve.

import { SwarmError } from '../base/errors.ts'
import { formatRange } from '../model/layer-range.ts'
import { readiness } from '../sharding/coverage.ts'
import { shortId, type PeerId } from '../wire/ids.ts'

import type { Chunking } from '../sharding/chunking.ts'
import type { Plan } from '../sharding/plan.ts'
import type { ModelFacts } from '../sharding/facts.ts'
import type { PeerRecord } from '../wire/record.ts'
import type { RouteStage } from '../wire/session.ts'

export interface Route {
  /** Covers [0, nLayers). */
  stages: RouteStage[]
  /** 64 hex digits each: what the origin believed when it chose. */
  planHash: string
  viewHash: string
  /** How a prompt is cut; absent: into as many positions as a step may have. */
  chunking?: Chunking
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
  const { hash: planHash, viewHash, predicted } = plan
  return { stages, planHash, viewHash, ...(predicted && { chunking: predicted.chunking }) }
}

/** A stage as people read it: `1a2b3c4d (layers 10-19)`. */
export function describeStage(stage: RouteStage): string {
  return `${shortId(stage.peer)} (layers ${formatRange(stage)})`
}

/** Why an answer pauses, without asking anybody to ask again, as the error would. */
export function lossText(error: SwarmError, stages: readonly RouteStage[]): string {
  const { code, peer, message } = error
  return code === 'PEER_GONE' && peer !== null ? goneText(peer as PeerId, stages) : message
}

/** `1a2b3c4d (layers 10-19) is gone` */
function goneText(peer: PeerId, stages: readonly RouteStage[]): string {
  const stage = stages.find((stage) => stage.peer === peer)
  return `${stage ? describeStage(stage) : shortId(peer)} is gone`
}

/** The loss of a peer of a route, as its neighbours and the origin report it. */
export function goneError(peer: PeerId, stages: readonly RouteStage[]): SwarmError {
  const text = `${goneText(peer, stages)}: ask again and another route is taken`
  return new SwarmError('PEER_GONE', text, { peer })
}

export function sameStage(a: RouteStage, b: RouteStage): boolean {
  return a.peer === b.peer && a.start === b.start && a.end === b.end
}
