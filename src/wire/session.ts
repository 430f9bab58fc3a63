// Flow A and B on the wire: what the origin, the stages and the sampling stage of one session say to
// each other, in the order in which they say it. Structural types only: the domain matches them.
// The codec is in session-codec.ts; an activation's payload is never copied by it.

import type { PeerId, SessionId } from './ids.ts'

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

/** An earlier session of the same origin that began with the same ids. */
export interface OpenPrefix {
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
  /** The last stage finishes with 'stop' when it samples one of these. */
  stopIds: number[]
  /** The last stage finishes with 'length' when the next token's position would be this one. */
  positionEnd: number
}

/** Stage to origin: the room is there, frames may come. */
export interface OpenedMessage {
  type: 'opened'
  session: SessionId
  epoch: number
  index: number
  /** Positions in the cache: the session may begin at any position up to here. */
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
  decodeTokens: number
  decodeComputeUs: number
  decodeQueueUs: number
}

/**
 * Origin to last stage, before the first ids of an epoch in mid-turn: tokens that the turn chose already,
 * for the penalties. Only where there are penalties.
 */
export interface SampledMessage {
  type: 'sampled'
  session: SessionId
  epoch: number
  ids: Int32Array
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

/** Origin to a stage: send the outputs of positions [position, end) again, to a next stage that is new. */
export interface ReplayMessage {
  type: 'replay'
  session: SessionId
  epoch: number
  /** Which stage of the route the receiver is. */
  index: number
  /** As of IdsMessage. */
  stop: number
  position: number
  end: number
}

/** Stage to next stage. The payload is f32 little-endian, row-major (nTokens, dim). */
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
}

export interface ActivationMessage extends ActivationHeader {
  type: 'activation'
  /** A view into the received frame: any alignment; whoever keeps it keeps the frame. */
  payload: Uint8Array
}

/** Origin to a stage of an audited session: what did the rows of positions [0, position) hash to? */
export interface AuditMessage {
  type: 'audit'
  session: SessionId
  epoch: number
  index: number
  position: number
}

/** The answer to `audit`; none where the stage has not computed all of these rows. */
export interface AuditedMessage {
  type: 'audited'
  session: SessionId
  epoch: number
  index: number
  position: number
  /** 64 hex digits: chained BLAKE2b of the rows it took in, ids at the first stage. */
  input: string
  /** The same of the rows that it gave on; of empty rows at the last stage. */
  output: string
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

/** Last stage to origin and to first stage: the token at `position`. */
export interface TokenMessage {
  type: 'token'
  session: SessionId
  epoch: number
  position: number
  id: number
  finish: 'none' | 'stop' | 'length'
  /** 16 hex digits: chained hash of every row of logits sampled from so far. */
  logitsHash: string
}

/** Origin to every stage: the session is over. Frees everything of it, but for what is reusable. */
export interface CloseMessage {
  type: 'close'
  session: SessionId
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
}

export type SessionMessage =
  | OpenMessage
  | OpenedMessage
  | SampledMessage
  | IdsMessage
  | ReplayMessage
  | ActivationMessage
  | AuditMessage
  | AuditedMessage
  | ProgressMessage
  | TokenMessage
  | CloseMessage
  | ClosedMessage
  | FailedMessage
