// Flow A and B on the wire: what the origin, the stages and the sampling stage of one session say to
// each other, in the order in which they say it. Structural types only: the domain matches them.
// The codec is in session-codec.ts; an activation's payload is never copied by it.

import type { AuditedMessage, AuditMessage, SavedMessage, SaveMessage } from './errands.ts'
import type { PeerId, SessionId } from './ids.ts'
import type { ReplayMessage, SampledMessage, WarmMessage } from './refill.ts'

/** One stage of a route: this peer runs layers [start, end). A peer may have several stages of one route. */
export interface RouteStage {
  peer: PeerId
  start: number
  end: number
}

/**
 * Which number format the KV caches of a session use. All stages of a session use the same. q8_0 rounds
 * keys and values to 8 bits, and so has an arithmetic of its own (docs/arithmetic.md section 12).
 */
export type KvType = (typeof KV_TYPES)[number]

/** In the order of their numbers on the wire. */
export const KV_TYPES = ['f16', 'f32', 'q8_0'] as const

/** An earlier session of the same origin that began with the same ids, or what it saved of one. */
export interface OpenPrefix {
  /** Of the session, or the name that `save` gave. */
  session: SessionId
  /** So many positions are the same. */
  tokens: number
}

/** Before the first token of a turn. */
export const NO_LOGITS_HASH = '0'.repeat(16)

/** Everything that chooses a token from logits; docs/arithmetic.md section "Sampler" is normative. */
export interface Sampling {
  /** 0 chooses the largest logit, lowest id first. */
  temperature: number
  /** 0 keeps all. */
  topK: number
  topP: number
  minP: number
  presencePenalty: number
  frequencyPenalty: number
  /** Whole number from 0 to 2^53 - 1. */
  seed: number
  bias: { id: number; value: number }[]
}

/**
 * Origin to every stage: make room for a session, or continue one. A stage that already holds the
 * session at a lower epoch keeps its cache up to `position` and drops the rest.
 */
export interface OpenMessage {
  type: 'open'
  session: SessionId
  /** Counts the routes of one session from 1; frames of an older epoch are dropped. */
  epoch: number
  /** Caches of an older epoch than this are of other ids, and void. */
  sinceEpoch: number
  /** The session goes on from here: what a cache holds beyond is dropped. 0 for a new session. */
  position: number
  /** Which stage of the route the receiver is. */
  index: number
  route: RouteStage[]
  /** 64 hex digits each. */
  modelId: string
  planHash: string
  viewHash: string
  /**
   * With position 0: keys and values that may be taken from another session, where the stage still has
   * them. `opened` tells how many it took; the first frame says from which position on the session goes.
   */
  prefix: OpenPrefix | null
  /** Keys and values may stay when the session is closed, for a later `prefix` of this origin. */
  isReusable: boolean
  /** The origin may ask what the stage's rows hashed to (`audit`), so the stage keeps the hashes. */
  isAudited: boolean
  /** Also of its KV type (compute/arithmetic.ts): stages of another one refuse. */
  arithmeticVersion: number
  /** Positions to reserve; the stage answers STAGE_FULL if it has no room for their keys and values. */
  contextTokens: number
  kvType: KvType
  sampling: Sampling
  /** Of the turn's tokens so far, 16 hex digits: zeros before the first. The next one is chained to it. */
  logitsHash: string
  /**
   * So many tokens of the turn follow as `sampled`. They come straight from the origin and may arrive later
   * than the positions before them, so the last stage samples none before it has counted them.
   */
  sampledTokens: number
  /** The last stage finishes with 'stop' when it samples one of these. */
  stopIds: number[]
  /** The last stage finishes with 'length' when the next token's position would be this one. */
  positionEnd: number
  /** The first stage may draft tokens, which the last one checks; the answer is the same either way. */
  speculates: boolean
  /** Only to be filled beside the route that runs, of which no stage goes for this. */
  isWarmUp: boolean
  /** Of the place that a stage without room gave the sender's line before; 0: none. */
  ticket: number
}

/** Where an origin stands among those that wait for room. */
export interface Place {
  /** Shown to every stage of the next try: the lowest goes first, of equal ones the lower origin. */
  ticket: number
  /** Origins that come first here. */
  before: number
}

/** Stage to origin: the room is there, frames may come. */
export interface OpenedMessage {
  type: 'opened'
  session: SessionId
  epoch: number
  index: number
  /** Positions in the cache, without what was drafted: the session may begin at any up to here. */
  cachedTokens: number
  /** Positions [keptStart, keptEnd) whose outputs the stage still has, for a new next stage. */
  keptStart: number
  keptEnd: number
  /** What the epoch before this one cost here; zeros for a new session. */
  stats: StageStats
}

/**
 * What one stage spent on one epoch of a session, in whole microseconds. Prefill and decode are kept
 * apart because prefill overlaps between stages and decode does not: only decode adds up to wall time.
 */
export interface StageStats {
  prefillTokens: number
  prefillComputeUs: number
  /** Inside the stage and not computing: waiting for its turn, for a thread, being handed over. */
  prefillQueueUs: number
  /** Positions computed, those of drafts included. */
  decodeTokens: number
  decodeComputeUs: number
  decodeQueueUs: number
}

/** Origin to first stage: a chunk of the prompt. `sample` marks the last chunk. */
export interface IdsMessage {
  type: 'ids'
  session: SessionId
  epoch: number
  /** Index of the last stage that these positions are for: the others have them already. */
  stop: number
  position: number
  sample: boolean
  ids: Int32Array
}

/**
 * Stage to next stage. The payload is f32 little-endian, row-major (nTokens, dim); where it is drafted,
 * the ids of its rows but the first follow, (nTokens - 1,) u32 little-endian. Only the first row is then
 * certain: the next frame begins behind the last row whose id was right, and drops those after it.
 */
export interface ActivationHeader {
  session: SessionId
  epoch: number
  /** Which stage of the route the receiver is. */
  index: number
  /** As of IdsMessage. */
  stop: number
  position: number
  nTokens: number
  dim: number
  sample: boolean
  drafted: boolean
  /** Others that left for this stage in the same step: worth a moment's wait, so that they stay together. */
  company: number
}

export interface ActivationMessage extends ActivationHeader {
  type: 'activation'
  /** A view into the received frame: any alignment; whoever keeps it keeps the frame. */
  payload: Uint8Array
}

/** The stage at which a chunk without sampling ends, to the origin: it has passed all stages it was for. */
export interface ProgressMessage {
  type: 'progress'
  session: SessionId
  epoch: number
  index: number
  /** Positions that are in this stage's cache now. */
  position: number
}

export interface SampledToken {
  id: number
  /** 16 hex digits: chained hash of every row of logits sampled from so far. */
  logitsHash: string
}

/** Last stage to origin and first stage: the tokens from `position` on, several where drafts were right. */
export interface TokenMessage {
  type: 'token'
  session: SessionId
  epoch: number
  position: number
  /** After the last of them. */
  finish: 'none' | 'stop' | 'length'
  tokens: SampledToken[]
}

/**
 * Origin to every stage: the session is over. Frees everything of it, but for what is reusable. One of an
 * older epoch is late.
 */
export interface CloseMessage {
  type: 'close'
  session: SessionId
  /** The sender's last one. */
  epoch: number
  /** The sender only gives it up: whoever attaches next may go on with it. */
  isReleased: boolean
}

/** Stage to origin: freed, and what the last epoch cost. */
export interface ClosedMessage {
  type: 'closed'
  session: SessionId
  index: number
  stats: StageStats
}

/**
 * Any stage to origin (and from the origin's hop to itself): the session cannot go on here as it is. Where
 * the code is PEER_GONE the stage keeps its cache for an epoch on another route; else it has freed it.
 */
export interface FailedMessage {
  type: 'failed'
  session: SessionId
  epoch: number
  /** The peer that the sender cannot reach, if that is why. */
  peer: PeerId | null
  /** An ErrorCode of the sender; unknown codes are shown as they are. */
  code: string
  text: string
  /** With STAGE_FULL of a new session that would fit: ask again soon, and in turn. */
  place: Place | null
}

/** What an answer was asked for beside its `open`, and how far it is: enough to compute the rest of it. */
export interface LogHead {
  /** The ids from this position on are the answer's. */
  promptTokens: number
  /** Ids in all. */
  endTokens: number
  /** As of OpenMessage, after the last of them. */
  logitsHash: string
  /** The answer ends before one of these texts; whoever turns ids into text looks for them. */
  stops: string[]
  /** Nothing stands before the answer, not even a prompt. */
  isAtStart: boolean
}

/**
 * Origin to every stage, before the first ids of an epoch: what another peer needs to finish the answer if
 * the origin goes. Only of sessions that are not private. Several messages where there are many ids.
 */
export interface LogMessage extends LogHead {
  type: 'log'
  session: SessionId
  epoch: number
  /** Of the first of these ids. */
  position: number
  ids: Int32Array
}

/** Any member to a stage: the log of a session from here on. Without an answer where it has none. */
export interface RecallMessage {
  type: 'recall'
  session: SessionId
  position: number
}

/** Everything of an `open` that outlives its origin. */
export type SessionTerms = Pick<
  OpenMessage,
  | 'route'
  | 'modelId'
  | 'planHash'
  | 'viewHash'
  | 'arithmeticVersion'
  | 'contextTokens'
  | 'kvType'
  | 'sampling'
  | 'stopIds'
  | 'positionEnd'
>

/** The answer to `recall`: ids from its position on, as many as one message takes. */
export interface RecalledMessage extends LogHead, SessionTerms {
  type: 'recalled'
  session: SessionId
  position: number
  ids: Int32Array
}

/** Any member to any other: which sessions do you hold that are not private? */
export interface ListMessage {
  type: 'list'
}

/** By their numbers on the wire. `orphan`: its origin is gone; `kept`: it waits for a question. */
export const SESSION_STATES = ['answering', 'kept', 'orphan'] as const

/** One session as a stage of it sees it. None of its text. */
export interface ListedSession {
  session: SessionId
  origin: PeerId
  /** The newest that the stage knows. */
  epoch: number
  state: (typeof SESSION_STATES)[number]
  modelId: string
  promptTokens: number
  /** Of the answer, as far as this stage knows; the middle ones know none. */
  tokens: number
  ageMs: number
}

/** The answer to `list`. */
export interface ListedMessage {
  type: 'listed'
  sessions: ListedSession[]
}

export type SessionMessage =
  | OpenMessage
  | OpenedMessage
  | SampledMessage
  | IdsMessage
  | ReplayMessage
  | WarmMessage
  | ActivationMessage
  | AuditMessage
  | AuditedMessage
  | ProgressMessage
  | TokenMessage
  | CloseMessage
  | ClosedMessage
  | SaveMessage
  | SavedMessage
  | FailedMessage
  | LogMessage
  | RecallMessage
  | RecalledMessage
  | ListMessage
  | ListedMessage
