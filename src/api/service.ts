// What the HTTP API needs from a running peer. Declared here, beside the routes that use it, and
// answered by node.ts; so the API is tested without a network and knows no folder but base and wire.
// A generation's own shapes are in wire/generation.ts.

import type { GenerateEvent, GenerateRequest } from '../wire/generation.ts'
import type { RouteStage } from '../wire/session.ts'

export type {
  ChatMessage,
  GenerateEvent,
  GenerateRequest,
  GenerateResult,
  HopTiming
} from '../wire/generation.ts'

export interface PeerStatus {
  key: string
  name: string
  self: boolean
  state: 'alive' | 'suspect' | 'dead' | 'left'
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
