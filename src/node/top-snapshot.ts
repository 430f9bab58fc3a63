// Everything that the dashboard shows, made of what this peer knows at this moment. Pure: the figures come
// from top-meter.ts (counted), top-voc.ts and the plan (predicted); what none of them knows is null.

import { residentBytes } from './room.ts'
import { activeBytes, plannedRate } from './top-figures.ts'

import type { NodeEvent, NodeStatus, PeerStatus } from '../api/service.ts'
import type { Plan } from '../sharding/plan.ts'
import type { ModelFacts } from '../sharding/facts.ts'
import type { PeerId } from '../wire/ids.ts'
import type { HopReport, SessionReport } from '../wire/session-report.ts'
import type { Figure, TopPeer, TopPlan, TopRange, TopSession, TopSnapshot } from '../wire/top.ts'

/** What was counted here; top-meter.ts is it. */
export interface Counted {
  readonly tokensPerSecond: number
  readonly history: number[]
  readonly sessions: TopSession[]
  readonly generation: SessionReport | null
  hop(stage: TopRange & { peer: string }): HopReport | null
}

export interface TopInputs {
  wallMs: number
  status: NodeStatus
  peers: readonly PeerStatus[]
  /** Null without a model, or before the first plan. */
  plan: Plan | null
  isReady: boolean
  model: { facts: ModelFacts; contextTokens: number; canChat: boolean } | null
  counted: Counted
  ownThrptBytesPerSecond: number
  hostedSessions: number
  voc: ReadonlyMap<PeerId, Figure>
  events: readonly NodeEvent[]
}

export function topSnapshot(inputs: TopInputs): TopSnapshot {
  const { wallMs, status, peers, plan, model, counted, events } = inputs
  const { key, name, version, topic, reach, upMs } = status
  const wholeBytes = model === null ? 0 : activeBytes(model.facts, whole(model.facts))
  return {
    wallMs,
    key,
    name,
    version,
    topic,
    reach,
    upMs,
    model: model && {
      name: status.model?.name ?? '',
      nLayers: model.facts.nLayers,
      contextTokens: model.contextTokens,
      activeBytes: wholeBytes,
      canChat: model.canChat
    },
    peers: peers.map((peer) => topPeer(peer, inputs)),
    plan: plan && topPlan(plan, inputs.isReady),
    now: {
      tokensPerSecond: counted.tokensPerSecond,
      thrptBytesPerSecond: counted.tokensPerSecond * wholeBytes,
      ownThrptBytesPerSecond: inputs.ownThrptBytesPerSecond
    },
    history: counted.history,
    generation: counted.generation,
    sessions: { own: counted.sessions, hosted: inputs.hostedSessions },
    events: events.map(({ wallMs, kind, text }) => ({ wallMs, kind, text }))
  }
}

function topPeer(peer: PeerStatus, inputs: TopInputs): TopPeer {
  const { plan, model, voc } = inputs
  const { key, name, self, state, held, standby, loading, memoryBytes, kernels, lane, rttMs } = peer
  const planned = plan?.stages.filter((stage) => stage.peer === key) ?? []
  const leftOut = plan?.leftOut.find((one) => one.peer === key)?.reason ?? null
  return {
    key,
    name,
    isSelf: self,
    state,
    held,
    standby,
    loading,
    planned: planned.map(({ start, end }) => ({ start, end })),
    leftOut,
    heldBytes: model === null ? null : heldBytes(model.facts, held),
    memoryBytes: memoryBytes > 0 ? memoryBytes : null,
    kernels: kernels === '' ? null : kernels,
    lane: lane === 'self' ? null : lane,
    rttMs,
    stageTokensPerSecond: stageRate(key, inputs),
    thrptBytesPerSecond: thrpt(peer, inputs),
    voc: voc.get(key as PeerId) ?? null
  }
}

/** Another peer may claim any range; one that is not of this model has no size. */
function heldBytes(facts: ModelFacts, held: readonly TopRange[]): number | null {
  if (held.length === 0 || held.some(({ end }) => end > facts.nLayers)) return null
  return residentBytes({ ...facts, contextTokens: 0 }, held)
}

function stageRate(key: string, { plan, counted }: TopInputs): Figure | null {
  const own = plan?.stages.filter((stage) => stage.peer === key) ?? []
  const times = own.map((stage) => counted.hop(stage)?.computeMs ?? 0)
  if (own.length > 0 && times.every((computeMs) => computeMs > 0)) {
    return { value: 1000 / sum(times), isEstimate: false }
  }
  const isOwn = (_: number, index: number) => plan?.stages[index]?.peer === key
  const predictedUs = sum(plan?.predicted?.perStageUs.filter(isOwn) ?? [])
  return predictedUs > 0 ? { value: 1e6 / predictedUs, isEstimate: true } : null
}

/**
 * Of this machine what it does now, whoever asked; of the others their share of what was asked for here:
 * now, else in the last answer, else as the plan predicts it.
 */
function thrpt({ key, self }: PeerStatus, inputs: TopInputs): Figure | null {
  const { plan, model, counted, ownThrptBytesPerSecond } = inputs
  if (self && ownThrptBytesPerSecond > 0) return measuredAs(ownThrptBytesPerSecond)
  if (model === null) return null
  const { generation, tokensPerSecond } = counted
  const own = plan?.stages.filter(({ peer }) => peer === key) ?? []
  const bytes = own.length === 0 ? null : sum(own.map((stage) => activeBytes(model.facts, stage)))
  const isAsked = counted.sessions.some(({ route }) => route.includes(key))
  if (isAsked && bytes !== null && tokensPerSecond > 0) return measuredAs(tokensPerSecond * bytes)
  const hops = generation?.hops.filter(({ peer }) => peer === key) ?? []
  const readBytes = sum(hops.map(({ weightBytes }) => weightBytes ?? 0))
  if (generation && readBytes > 0) return measuredAs(generation.tokensPerSecond * readBytes)
  if (plan === null || bytes === null) return null
  return { value: plannedRate(plan) * bytes, isEstimate: true }
}

function topPlan({ stages, predicted, gap }: Plan, ready: boolean): TopPlan {
  return {
    stages: stages.map(({ peer, start, end }, index) => {
      return { peer, start, end, computeMs: (predicted?.perStageUs[index] ?? 0) / 1000 }
    }),
    tokenMs: predicted && predicted.tokenUs / 1000,
    hopMs: predicted && predicted.hopUs / 1000,
    tokensPerSecond: predicted && predicted.tokensPerSecond,
    ready,
    gap: gap.map(({ start, end }) => ({ start, end }))
  }
}

function measuredAs(value: number): Figure {
  return { value, isEstimate: false }
}

function whole({ nLayers }: ModelFacts): TopRange {
  return { start: 0, end: nLayers }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
