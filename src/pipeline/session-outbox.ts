// Flow B, origin side: the messages with which a session opens and continues, made of what it is. Pure, so
// that session-state.ts reads as decisions. Whom each goes to is part of it only where it goes to all.

import { CHUNK_TOKENS_MAX } from '../base/limits.ts'

import type { SwarmError } from '../base/errors.ts'
import type { OpenPrefix, RouteStage, SampledMessage, SessionMessage } from '../wire/session.ts'
import type { Route } from './route.ts'
import type { Action, SessionSetup, Turn } from './session-types.ts'

type OriginMessage = Exclude<SessionMessage, { type: 'activation' }>

export interface Opening {
  epoch: number
  /** From where the session goes on. */
  position: number
  prefix: OpenPrefix | null
  contextTokens: number
  logitsHash: string
  turn: Turn
}

/** An 'open' to every stage. */
export function openMessages(
  setup: SessionSetup,
  { stages, planHash, viewHash }: Route,
  { turn, ...opening }: Opening
): Action[] {
  const { id: session, modelId, arithmeticVersion, kvType, isReusable = false } = setup
  const { isAudited = false } = setup
  const { sampling, stopIds, positionEnd } = turn
  const open = {
    type: 'open',
    session,
    ...opening,
    isReusable,
    isAudited,
    route: stages,
    modelId,
    planHash,
    viewHash,
    arithmeticVersion,
    kvType,
    sampling,
    stopIds,
    positionEnd
  } as const
  return stages.map(({ peer }, index) => {
    return { type: 'send', to: peer, message: { ...open, index } }
  })
}

/** What a sampler that is new in mid-turn must know: the tokens before it, where penalties count them. */
export function sampledMessages(
  { id: session }: SessionSetup,
  epoch: number,
  { ids: given, answered, sampling }: Turn,
  ids: readonly number[]
): SampledMessage[] {
  const { presencePenalty, frequencyPenalty } = sampling
  if (presencePenalty === 0 && frequencyPenalty === 0) return []
  const messages: SampledMessage[] = []
  const promptTokens = given.length - (answered?.tokens ?? 0)
  for (let start = promptTokens; start < ids.length; start += CHUNK_TOKENS_MAX) {
    const chunk = Int32Array.from(ids.slice(start, start + CHUNK_TOKENS_MAX))
    messages.push({ type: 'sampled', session, epoch, ids: chunk })
  }
  return messages
}

/** A 'close' to each peer once, however many stages it has. */
export function closeMessages({ id }: SessionSetup, stages: readonly RouteStage[]): Action[] {
  const message = { type: 'close', session: id } as const
  return [...new Set(stages.map(({ peer }) => peer))].map((to) => ({ type: 'send', to, message }))
}

export function sendTo({ peer }: RouteStage, message: OriginMessage): Action {
  return { type: 'send', to: peer, message }
}

/** Whether another route may help: not where every machine computes the same fault. */
export function isRepairable({ code, family }: SwarmError): boolean {
  if (code === 'STAGE_NOT_FINITE' || code === 'WIRE_VERSION') return false
  return family === 'PEER' || family === 'STAGE' || family === 'NATIVE' || family === 'WIRE'
}
