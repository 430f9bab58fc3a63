// Flow B, origin side: what a session is made of, what it is asked, what it tells, and what its deciding
// half (session-state.ts) wants its doing half (session.ts) to do. Types only.

import type { SwarmError } from '../base/errors.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'
import type {
  KvType,
  LogHead,
  OpenPrefix,
  RouteStage,
  SampledToken,
  Sampling,
  SessionMessage,
  TokenMessage
} from '../wire/session.ts'
import type { Chunking } from '../sharding/chunking.ts'
import type { Route } from './route.ts'

export interface SessionSetup {
  id: SessionId
  route: Route
  modelId: string
  arithmeticVersion: number
  vocabSize: number
  kvType: KvType
  /** Positions to reserve at least. */
  contextTokens: number
  chunking: Chunking
  /** What the first turn may take over from an earlier session. */
  prefix?: OpenPrefix | null
  /** Stages may keep the caches behind the end, for later sessions. */
  isReusable?: boolean
  /** Stages keep hashes of what they take in and give on, for the origin to ask. */
  isAudited?: boolean
  /** It computes a part of another session's answer again: nobody asked for this one. */
  isCheck?: boolean
  /** Whether another route may be taken when a stage is lost in the middle of a turn. */
  isRepairable?: boolean
  /** As of OpenMessage. */
  ticket?: number
}

/** The messages that an origin takes. */
export type OriginBound = Extract<
  SessionMessage,
  { type: 'opened' | 'progress' | 'token' | 'closed' | 'failed' | 'saved' | 'audited' }
>

/**
 * Another route for a session that lost a stage, as like the old one as can be.
 * @param avoided peers to leave out if there is a route without them.
 * @throws PLAN_GAP naming the layers that nobody holds now.
 */
export type Repair = (route: Route, avoided: ReadonlySet<PeerId>) => Route

/** What the stages of a session need to know of a turn so that another peer can finish it (LogHead). */
export type TurnLog = Pick<LogHead, 'stops' | 'isAtStart'>

/** The first tokens of an answer, which were computed before, on other stages or for another origin. */
export interface Answered {
  ids: readonly number[]
  /** After the last of them. */
  logitsHash: string
}

/** One question: the ids of the whole context, and how to go on from them. */
export interface Turn {
  /** From position 0 on, what was kept of earlier turns included. Not empty. */
  ids: readonly number[]
  /** It goes on behind these, and its route is repaired even before it opens; absent: it begins. */
  answered?: Answered
  sampling: Sampling
  stopIds: number[]
  /** No token gets this position or a later one. */
  positionEnd: number
  /** Null or absent: the turn is private, and lost with this peer. */
  log?: TurnLog | null
  /** False: every step computes one token, even where drafts would save time. */
  speculates?: boolean
}

export type SessionEvent =
  /** Every stage is ready; so many positions were still in their caches. */
  | { type: 'opened'; keptTokens: number }
  | { type: 'prefill'; done: number; total: number }
  /** A stage was lost, or no other is found yet: why the next token takes longer. */
  | { type: 'rerouting'; reason: string }
  /** Another route is open; positions that its new stages still have to get. */
  | { type: 'rerouted'; stages: RouteStage[]; refillTokens: number }
  | TokenEvent

/** One token; `finish` is of the turn. */
export interface TokenEvent extends SampledToken, Pick<TokenMessage, 'position' | 'finish'> {
  type: 'token'
}

export type Action =
  | { type: 'send'; to: PeerId; message: Exclude<SessionMessage, { type: 'activation' }> }
  | { type: 'emit'; event: SessionEvent }
  /** Find another route, without these peers if there is one. */
  | { type: 'reroute'; error: SwarmError; avoided: ReadonlySet<PeerId> }
  /** A peer that was to take over is not needed. */
  | { type: 'leave'; peer: PeerId }
  /** The turn's stream ends here, with or without its last token. */
  | { type: 'finish' }
  /** The session is over because of this. */
  | { type: 'fail'; error: SwarmError }
  /** The answers to a pause or a close are in, or will not come. */
  | { type: 'settle' }

export type Phase =
  | 'idle'
  | 'opening'
  | 'filling'
  | 'prefill'
  | 'decode'
  | 'rerouting'
  | 'pausing'
  | 'closing'
  | 'ended'
