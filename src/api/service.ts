// What the HTTP API needs from a running peer. Declared here, beside the routes that use it, and
// answered by node.ts; so the API is tested without a network and knows no folder but base and wire.
// A generation's own shapes are in wire/generation.ts.

import type { GateEdit, GateStatus } from '../wire/gate.ts'
import type { GenerateEvent, GenerateRequest, SavedPrefix } from '../wire/generation.ts'
import type {
  Forgotten,
  Hit,
  KnowledgeStatus,
  LearnRequest,
  Learnt,
  QueryRequest
} from '../wire/knowledge.ts'
import type { RouteStage } from '../wire/session.ts'
import type { SessionReport } from '../wire/session-report.ts'
import type { TopSnapshot } from '../wire/top.ts'

export type { GateEdit, GateStatus } from '../wire/gate.ts'
export type {
  ChatMessage,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  HopTiming,
  SavedPrefix,
  SavedStage
} from '../wire/generation.ts'
export type { HopReport, SessionReport } from '../wire/session-report.ts'

export interface PeerStatus {
  key: string
  name: string
  self: boolean
  state: 'alive' | 'suspect' | 'dead' | 'left'
  model: string | null
  /** Layers ready to serve, ascending; of these, those that stand by for other peers' stages. */
  held: { start: number; end: number }[]
  standby: { start: number; end: number }[]
  loading: { start: number; end: number; percent: number } | null
  pin: { start: number; end: number } | null
  memoryBytes: number
  weightBytesPerSecond: number
  kernels: string
  rttMs: number | null
  lane: 'tcp' | 'udx' | 'self' | null
  /** Address at the other end of the link; null without one, or where it is not known. */
  host: string | null
  /** How far its time of day is ahead of ours; null without a link. */
  clockSkewMs: number | null
  version: string
  arithmeticVersion: number
}

export interface PlanPrediction {
  tokensPerSecond: number
  tokenMs: number
  perStageMs: number[]
  /** All hops of one token. */
  hopMs: number
  /** After a prompt of promptTokens, with nothing else going on. */
  firstTokenMs: number
  promptTokens: number
  /** No plan of these peers has a shorter token. */
  boundMs: number
  /** Of as many sessions as there are stages. */
  pooledTokensPerSecond: number
}

export interface PlanStatus {
  stages: RouteStage[]
  /** Who takes over the layers of a stage, at most one for each. */
  standbys: RouteStage[]
  /** Of how many of its layers a peer reads parts from disk for each token; who reads none is not named. */
  streamed: { peer: string; layers: number; parts: number; sizeKiB: number }[]
  predicted: PlanPrediction | null
  hash: string | null
  viewHash: string
  leftOut: { peer: string; reason: string }[]
  /** Layers that nobody can hold, when there is no plan. */
  gap: { start: number; end: number }[]
  /** What every stage keeps room for; null before the first plan. */
  reserve: { contextTokens: number; sessions: number } | null
  ready: boolean
  /** Machines that are not there, of a plan that was asked for with --what-if. */
  added?: { key: string; name: string }[]
}

export interface NodeStatus {
  key: string
  name: string
  pid: number
  version: string
  arithmeticVersion: number
  topic: string
  reach: string
  upMs: number
  dataDir: string
  /** `isSentinel`: the small model that comes with swarm, or one made like it (training/FORMAT.md). */
  model: { id: string; name: string; path: string; nLayers: number; isSentinel: boolean } | null
  /** Layers ready to serve, ascending; of these, those that stand by for other peers' stages. */
  held: { start: number; end: number }[]
  standby: { start: number; end: number }[]
  /** Layers held of which parts are read from disk for each token, because memory does not suffice. */
  onDisk: number[]
  weightBytes: number
  /** Keys and values of sessions, and of ended ones whose prompts may come again; these go first. */
  kvBytes: number
  peers: number
  sessions: number
  /** Where other machines reach this one with --peer; 0: nowhere. */
  port: number
  http: string | null
  /** The DHT that the topic is announced on. */
  dht: 'none' | 'given' | 'public'
  /** What went wrong of late, oldest first: refused connections, a duplicated identity. */
  troubles: NodeEvent[]
}

/** The line that lets another machine into this peer's topic. As secret as the topic's secret. */
export interface InviteStatus {
  invite: string
  topic: string
  reach: string
}

/** Something a person would want to read as it happens. `text` is one line, already safe to print. */
export interface NodeEvent {
  wallMs: number
  kind: string
  text: string
  data?: Record<string, unknown>
}

/** The shared memory, of a running peer or of a store that a command has opened itself. */
export interface KnowledgeService {
  /** Durable when it resolves. @throws STORE_*, USAGE_* */
  learn(request: LearnRequest): Promise<Learnt>
  /** From memory; never waits. */
  query(request: QueryRequest): Hit[]
  /** @param id whole. @throws USAGE_BAD_VALUE when nobody has such an entry; STORE_* */
  forget(id: string): Promise<Forgotten>
  /** The ids of entries that begin with these digits. */
  idsLike(prefix: string): string[]
  status(): KnowledgeStatus
}

/** A session that a member of the topic knows. Nothing of its text. */
export interface SessionStatus {
  /** 32 hex digits. */
  id: string
  /** Key and name of the peer that asked. */
  origin: string
  originName: string
  /** That is this peer. */
  self: boolean
  /** `orphan`: the origin is gone and the answer waits for another; `kept`: it waits for a next question. */
  state: 'answering' | 'kept' | 'orphan'
  /** Name of the model, or the first digits of its id. */
  model: string
  promptTokens: number
  /** Of the answer, as far as is known. */
  tokens: number
  ageMs: number
}

export interface SwarmService {
  status(): NodeStatus
  peers(): PeerStatus[]
  plan(): PlanStatus
  /** @param whatIf as sharding/what-if.ts reads it. @throws USAGE_BAD_VALUE, PLAN_GAP */
  planIf(whatIf: readonly string[]): PlanStatus
  /** Everything that the dashboard shows. */
  top(): TopSnapshot
  /** Ends with a 'done' event or throws a SwarmError; aborting frees every stage. */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>
  /** What this peer asked itself, and what the members within reach hold that is not private. */
  sessions(): Promise<SessionStatus[]>
  /**
   * Goes on with an answer whose origin is gone, from its first token on; otherwise as generate.
   * @throws STAGE_UNKNOWN_SESSION, PEER_BUSY, PEER_REFUSED
   */
  attach(session: string, signal: AbortSignal): AsyncIterable<GenerateEvent>
  /** What the last answers cost that were asked for here, oldest first. */
  explain(): readonly SessionReport[]
  invite(): InviteStatus
  gate(): GateStatus
  /** @throws USAGE_BAD_VALUE, STORE_UNREADABLE */
  editGate(edit: GateEdit): GateStatus
  closeSession(session: string): void
  /**
   * Has every stage store what it holds of a kept session on its own disk.
   * @throws STAGE_UNKNOWN_SESSION, PEER_BUSY
   */
  saveSession(session: string): Promise<SavedPrefix>
  /** Null while the store is not open. */
  knowledge(): KnowledgeService | null
  /** Events from now on until the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<NodeEvent>
  /** Begins an orderly shutdown and returns at once. */
  stop(): void
}
