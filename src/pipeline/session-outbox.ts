// Flow B, origin side: the messages with which a session opens and continues, made of what it is. Pure, so
// that session-state.ts reads as decisions. Whom each goes to is part of it only where it goes to all.

import { CHUNK_TOKENS_MAX, LOG_CHUNK_IDS_MAX } from '../base/limits.ts'

import type { PeerId } from '../wire/ids.ts'
import type {
  IdsMessage,
  LogMessage,
  OpenPrefix,
  RouteStage,
  SampledMessage,
  Sampling,
  SessionMessage
} from '../wire/session.ts'
import type { Chunk } from './chunk-flow.ts'
import type { Fill } from './fills.ts'
import type { Route } from './route.ts'
import type { Action, SessionSetup, Turn } from './session-types.ts'

type OriginMessage = Exclude<SessionMessage, { type: 'activation' }>

export interface Opening {
  epoch: number
  /** Stages that were not open since then missed a turn: what they hold is of other ids. */
  sinceEpoch: number
  /** From where the session goes on. */
  position: number
  prefix: OpenPrefix | null
  contextTokens: number
  logitsHash: string
  turn: Turn
  /** Of the turn's prompt and of its tokens so far. */
  ids: readonly number[]
}

/** An 'open' to every stage. */
export function openMessages(
  setup: SessionSetup,
  { stages, planHash, viewHash }: Route,
  { turn, ids, ...opening }: Opening
): Action[] {
  const { id: session, modelId, arithmeticVersion, kvType, isReusable = false } = setup
  const { sampling, stopIds, positionEnd, speculates = true } = turn
  const open = {
    type: 'open',
    session,
    ...opening,
    isReusable,
    route: stages,
    modelId,
    planHash,
    viewHash,
    arithmeticVersion,
    kvType,
    sampling,
    stopIds,
    positionEnd,
    speculates,
    sampledTokens: countsTokens(sampling) ? ids.length - turn.ids.length : 0
  } as const
  return stages.map(({ peer }, index) => {
    return { type: 'send', to: peer, message: { ...open, index } }
  })
}

/** What a sampler that is new in mid-turn must know: the tokens before it, where penalties count them. */
export function sampledMessages(
  { id: session }: SessionSetup,
  epoch: number,
  { ids: prompt, sampling }: Turn,
  ids: readonly number[],
  stages: readonly RouteStage[]
): Action[] {
  if (!countsTokens(sampling)) return []
  const messages: Action[] = []
  for (let start = prompt.length; start < ids.length; start += CHUNK_TOKENS_MAX) {
    const chunk = Int32Array.from(ids.slice(start, start + CHUNK_TOKENS_MAX))
    const message: SampledMessage = { type: 'sampled', session, epoch, ids: chunk }
    messages.push(sendTo(stages.at(-1) as RouteStage, message))
  }
  return messages
}

function countsTokens({ presencePenalty, frequencyPenalty }: Sampling): boolean {
  return presencePenalty !== 0 || frequencyPenalty !== 0
}

/**
 * What each peer must know to give the answer on if this one goes; nothing of a private turn.
 * @param ids of the prompt and of the tokens so far.
 */
export function logMessages(
  { id: session }: SessionSetup,
  stages: readonly RouteStage[],
  { epoch, turn, logitsHash }: Pick<Opening, 'epoch' | 'turn' | 'logitsHash'>,
  ids: readonly number[]
): Action[] {
  if (!turn.log) return []
  const { stops, isAtStart } = turn.log
  const head = { promptTokens: turn.ids.length, endTokens: ids.length, logitsHash }
  const messages: LogMessage[] = []
  for (let position = 0; position < ids.length; position += LOG_CHUNK_IDS_MAX) {
    const chunk = Int32Array.from(ids.slice(position, position + LOG_CHUNK_IDS_MAX))
    const part = { stops: [...stops], isAtStart, position, ids: chunk }
    messages.push({ type: 'log', session, epoch, ...head, ...part })
  }
  return peersOf(stages).flatMap((to) => {
    return messages.map((message) => ({ type: 'send', to, message }) as const)
  })
}

/**
 * A 'close' to each peer once, however many stages it has.
 * @param isReleased whoever attaches may have what it holds.
 */
export function closeMessages(
  { id: session }: SessionSetup,
  stages: readonly RouteStage[],
  epoch: number,
  isReleased = false
): Action[] {
  const message = { type: 'close', session, epoch, isReleased } as const
  return peersOf(stages).map((to) => ({ type: 'send', to, message }))
}

/** Positions for the stages behind `source` up to and including `stop`; -1: the origin sends their ids. */
export type DueChunk = Chunk & Pick<Fill, 'source' | 'stop'>

export function chunkMessage(
  { id: session }: SessionSetup,
  epoch: number,
  stages: readonly RouteStage[],
  { source, stop, position, end }: DueChunk,
  ids: readonly number[]
): Action {
  if (source >= 0) {
    const span = { index: source, stop, position, end }
    return sendTo(stages[source] as RouteStage, { type: 'replay', session, epoch, ...span })
  }
  const chunk = Int32Array.from(ids.slice(position, end))
  const sample = end === ids.length
  const message: IdsMessage = { type: 'ids', session, epoch, stop, position, sample, ids: chunk }
  return sendTo(stages[0] as RouteStage, message)
}

function sendTo({ peer }: RouteStage, message: OriginMessage): Action {
  return { type: 'send', to: peer, message }
}

function peersOf(stages: readonly RouteStage[]): PeerId[] {
  return [...new Set(stages.map(({ peer }) => peer))]
}
