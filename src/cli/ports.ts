// What the commands need of the composition root (node.ts): starting a peer, one machine alone, a
// bootstrap, what is in a model file. Declared here, matched by shape, and imported only by the commands that
// start something, so that help and the commands that talk to a running peer start fast.

import type { GenerateEvent, GenerateRequest, KnowledgeService } from '../api/service.ts'
import type { SessionReport } from '../api/service.ts'
import type { Log } from '../base/log.ts'
import type { NodeOptions, RunningNode } from '../node/options.ts'

/** Step of long work; `total` 0 when its end is not known. Units are the step's own (bytes, layers). */
export type OnProgress = (label: string, done: number, total: number) => void

export interface LocalOptions {
  model: string
  threads: number | null
  /** At most so much for weights and context; null: what is free. */
  memoryBytes: number | null
  /** What the model is opened for. */
  request: GenerateRequest
  /** Whether the model's id will be shown. */
  needsId: boolean
  cacheDir: string
  log: Log
  onProgress: OnProgress
}

/** One machine without a network; the same generation as a peer's. */
export interface LocalModel {
  /** As the file names it. */
  readonly name: string
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>
  /** Frees a conversation that was kept; unknown ids are ignored. */
  closeSession(session: string): void
  close(): Promise<void>
}

export interface BootstrapOptions {
  port: number
  /** By which others reach this machine; null: its first address that is not loopback. */
  host: string | null
  log: Log
}

export interface RunningBootstrap {
  host: string
  port: number
  close(): Promise<void>
}

export interface KnowledgeOptions {
  /** Exists, for its owner only; its lock is taken while the store is open. */
  dataDir: string
  log: Log
}

/** The store of a data directory for which no peer runs. */
export interface OwnKnowledge extends KnowledgeService {
  close(): Promise<void>
}

export interface NodePorts {
  /** @throws STORE_BUSY, MODEL_*, USAGE_*; AbortError, after which nothing is left. */
  startNode(options: NodeOptions, signal: AbortSignal): Promise<RunningNode>
  /** @throws MODEL_*, NATIVE_*; AbortError. */
  openLocal(options: LocalOptions, signal: AbortSignal): Promise<LocalModel>
  /**
   * Resolves when everything in the store can be found.
   * @throws STORE_*; AbortError, after which nothing is left.
   */
  openKnowledge(options: KnowledgeOptions, signal: AbortSignal): Promise<OwnKnowledge>
  /** What the last answers of a data directory cost, for which no peer runs; never throws. */
  readHistory(dataDir: string): Promise<{ reports: SessionReport[]; damage: string | null }>
  runBootstrap(options: BootstrapOptions): Promise<RunningBootstrap>
  /** Layers of a model file. @throws MODEL_*; AbortError */
  countLayers(path: string, signal: AbortSignal): Promise<number>
}
