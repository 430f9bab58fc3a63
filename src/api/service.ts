// What the HTTP API needs from a running peer. Declared here, beside the routes that use it, and
// answered by node.ts; so the API is tested without a network and knows no folder but base and wire.

import type { RouteStage, Sampling, KvType } from '../wire/session.ts'

/** One message of a conversation, in OpenAI's shape (content already joined to text). */
export interface ChatMessage {
  role: string
  content: string
}

export interface GenerateRequest {
  /** Exactly one of the two; messages go through the model's chat template. */
  prompt?: string
  messages?: ChatMessage[]
  /** Tokens to generate at most; absent: until the context is full. */
  maxTokens?: number
  /** Absent seed: drawn and returned. */
  sampling: Omit<Sampling, 'seed'> & { seed?: number }
  stop: string[]
  kvType: KvType
  /** Positions to reserve; absent: prompt plus maxTokens. */
  contextTokens?: number
  /** Keeps the session for the next turn; the result then names it. */
  keep?: boolean
  /**
   * Continues a session that was kept. The prompt or messages are the whole conversation all the
   * same: KV is reused as far as the tokens agree, and a session that is gone only costs its KV.
   */
  session?: string
}

export interface HopTiming {
  peer: string
  start: number
  end: number
  computeMs: number
  /** Waiting inside the stage for its turn. */
  queueMs: number
  /** On the way to the next stage (from the last to the first): an equal share of the rest. */
  wireMs: number
}

/** The object that `generate --json` and `run --json` print; names are a promise to scripts. */
export interface GenerateResult {
  model: string
  promptIds: number[]
  ids: number[]
  text: string
  seed: number
  finishReason: 'stop' | 'length' | 'cancelled'
  /** 16 hex digits: chained hash of every row of logits sampled from. Equal bits give equal hashes. */
  logitsHash: string
  arithmeticVersion: number
  stages: RouteStage[]
  timing: {
    prefillMs: number
    decodeMs: number
    tokensPerSecond: number
    perHop: HopTiming[]
  }
  /** Present when the session was kept. */
  session?: string
}

export type GenerateEvent =
  | {
      type: 'route'
      stages: RouteStage[]
      promptTokens: number
      cachedTokens: number
      seed: number
    }
  | { type: 'queued'; reason: string }
  | { type: 'prefill'; done: number; total: number }
  | { type: 'text'; text: string; ids: number[] }
  | { type: 'done'; result: GenerateResult }

export interface PeerStatus {
  key: string
  name: string
  self: boolean
  state: 'alive' | 'left'
  model: string | null
  held: { start: number; end: number } | null
  loading: { start: number; end: number; percent: number } | null
  pin: { start: number; end: number } | null
  memoryBytes: number
  weightBytesPerSecond: number
  kernels: string
  rttMs: number | null
  lane: 'tcp' | 'udx' | 'self' | null
}

export interface PlanStatus {
  stages: RouteStage[]
  predicted: { tokensPerSecond: number; tokenMs: number; perStageMs: number[] } | null
  hash: string | null
  viewHash: string
  leftOut: { peer: string; reason: string }[]
  /** Layers that nobody can hold, when there is no plan. */
  gap: { start: number; end: number }[]
  ready: boolean
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
  model: { id: string; name: string; path: string; nLayers: number } | null
  held: { start: number; end: number } | null
  weightBytes: number
  peers: number
  sessions: number
  http: string | null
}

/** Something a person would want to read as it happens. `text` is one line, already safe to print. */
export interface NodeEvent {
  wallMs: number
  kind: string
  text: string
  data?: Record<string, unknown>
}

export interface SwarmService {
  status(): NodeStatus
  peers(): PeerStatus[]
  plan(): PlanStatus
  /** Ends with a 'done' event or throws a SwarmError; aborting frees every stage. */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>
  closeSession(session: string): void
  /** Events from now on until the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<NodeEvent>
  /** Begins an orderly shutdown and returns at once. */
  stop(): void
}
