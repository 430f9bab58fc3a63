// Flow A, the computing end: a stage holds some layers of one model and runs positions through them.
// Declares what the pipeline may ask of it; native-stage.ts answers with the addon, tests also with a
// toy. Owns no session: who may use a cache, and in which order, is the stage host's business.

import type { LayerRange } from '../model/layer-range.ts'
import type { KvType, SampledToken, Sampling } from '../wire/session.ts'

/** Positions of one page of keys and values (kPageTokens in native/stage/kv_cache.h). */
export const KV_PAGE_TOKENS = 256

/** Positions that a cache for so many takes. */
export function wholePages(nTokens: number): number {
  return Math.ceil(nTokens / KV_PAGE_TOKENS) * KV_PAGE_TOKENS
}

/**
 * Keys and values of one session for the layers of one stage, in pages of so many positions that are
 * taken as positions come and freed when the last cache that shares them closes.
 */
export interface StageCache {
  readonly range: LayerRange
  readonly capacityTokens: number
  readonly kvType: KvType
  /** What it may come to hold: pages for the whole capacity. */
  readonly sizeBytes: number
  /** Of the pages it refers to now; those it shares with a fork count in both. */
  readonly heldBytes: number
  /** Positions stored in every layer; a step of all layers must start exactly here. */
  readonly length: number
  /**
   * Forgets positions from `length` on, and frees the pages behind.
   * @throws NATIVE_FAILED while a step uses the cache.
   */
  truncate(length: number): void
  /**
   * The first `length` positions (all there are, if fewer) as a cache of its own: pages are shared until
   * one side writes to them, so it costs next to nothing. May be called while a step uses this cache.
   * @param capacityTokens of the fork, at least `length`.
   */
  fork(length: number, capacityTokens: number): StageCache
  /** Frees every page that no other cache shares, at once; one in use by a step when that settles. */
  close(): void
}

/** A rectangle of a cache: layers of its range, positions [start, end). */
export interface KvSpan {
  /** 64 hex digits of the model whose keys and values these are. */
  modelId: string
  layers: LayerRange
  start: number
  end: number
}

/** Chooses tokens for one session; holds its counts of generated ids and its chained logits hash. */
export interface Sampler {
  /** Tokens that the turn chose before this sampler was opened: the penalties count them. */
  count(ids: Int32Array): void
  close(): void
}

export interface StepRequest {
  cache: StageCache
  /** Consecutive layers inside the cache's range. */
  range: LayerRange
  /** Index of the first token; equals `cache.length`. */
  position: number
  nTokens: number
  /** (nTokens,) when the range starts at 0. */
  ids?: Int32Array
  /** f32 little-endian (nTokens, dim) otherwise; any alignment. Untouched until the step settles. */
  input?: Uint8Array
  /** f32 little-endian (nTokens, dim), filled when the range ends before the last layer. */
  output?: Uint8Array
  /** When the range ends with the last layer: sample the token after the last position. */
  sampler?: Sampler
  /**
   * (nTokens - 1,), with a sampler: what the positions after the first were guessed to hold. Then a token
   * is sampled after each position for as long as the one before was guessed right.
   */
  draft?: Int32Array
  /** When the range ends with the last layer: filled with (nTokens, vocab), or (vocab,) of the last. */
  logits?: Float32Array
}

export interface StepResult {
  /** Time inside the native step, whole microseconds; of the whole step, however many parts it has. */
  computeUs: number
  /** In order: one where a sampler was given, up to nTokens where there was a draft too, else none. */
  tokens: SampledToken[]
}

/** One session's share of a step. */
export interface StepPart {
  request: StepRequest
  signal?: AbortSignal
}

/** How one part went. An error is the part's own: the others are not touched by it. */
export type StepOutcome = { result: StepResult } | { error: Error }

export interface LoadOptions {
  /**
   * Parts (model/layer-part.ts) of the ranges' layers that stay on disk, ascending: they are read again for
   * every pass through them, past the system's cache, ahead of the computation. Of each kind of part that
   * is among them the largest takes memory. A layer of which other parts stay there than before is read
   * from disk as a whole until its new buffer has been read.
   */
  onDisk?: readonly number[]
  /** Bytes read so far and in all, after each slice. */
  onProgress?: (doneBytes: number, totalBytes: number) => void
  /** How long it reads before it lets steps through, at least a piece of a megabyte; 20 by default. */
  sliceMs?: number
  /** Between two slices: the next one begins when it resolves. Aborting must not make it wait on. */
  pace?: () => Promise<void>
}

export interface Stage {
  readonly nLayers: number
  readonly dim: number
  readonly vocabSize: number
  /** Layers ready for steps now, in normal form (model/layer-range.ts). */
  readonly held: readonly LayerRange[]
  /**
   * Parts (model/layer-part.ts) of the layers held that are read from disk for each pass, ascending; while a
   * load runs, those from before it and those that it is to leave there.
   */
  readonly onDisk: readonly number[]
  /** Bytes of weights resident now, those of layers that are being read included. */
  readonly weightBytes: number
  /**
   * Holds exactly these layers; none frees all. Layers already held are kept, others are dropped at once.
   * The caller makes sure that no step runs on layers that go, and begins no load during another. Steps run
   * between the slices in which it reads. Where it fails or is aborted, what was held before and what was
   * read whole stays.
   * @param ranges disjoint; read in this order.
   * @throws MODEL_CHANGED, MODEL_TRUNCATED, NATIVE_OUT_OF_MEMORY
   */
  load(ranges: readonly LayerRange[], options?: LoadOptions, signal?: AbortSignal): Promise<void>
  /** Takes no memory yet. */
  openCache(range: LayerRange, capacityTokens: number, kvType: KvType): StageCache
  /** Bytes that such a cache may come to hold, in whole pages: for admission. */
  cacheBytes(range: LayerRange, capacityTokens: number, kvType: KvType): number
  /** Bytes of the pages of all caches, shared ones once. */
  readonly kvBytes: number
  /** From now on a step or import that would take pages beyond this fails with STAGE_FULL. */
  limitKv(budgetBytes: number): void
  /**
   * A copy of keys and values as bytes (docs/kv-format.md), for another stage or a file. It comes behind
   * the steps that were asked for before it.
   * @throws STAGE_POSITION_GAP when the cache does not have all of it, WIRE_TOO_LARGE above
   *         KV_PIECE_BYTES_MAX: ask for fewer positions.
   */
  exportCache(cache: StageCache, span: KvSpan): Promise<Uint8Array>
  /**
   * Appends what exportCache gave, here or elsewhere: its positions must follow those that its layers
   * have (truncate first to replace some). Layers may come in any order; positions count once all have them.
   * On failure the cache is as it was.
   * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_VERSION when the bytes are damaged or foreign,
   *         STAGE_POSITION_GAP when they do not fit here, STAGE_FULL when the budget does not allow it.
   */
  importCache(cache: StageCache, modelId: string, piece: Uint8Array): Promise<KvSpan>
  /** @param logitsHash of the rows that the turn has sampled from so far; absent: none. */
  openSampler(sampling: Sampling, logitsHash?: string): Sampler
  /**
   * Runs positions of several sessions through the same layers, reading the weights once for all: any mix
   * of prompts and single tokens, each with the bits it would have alone. Steps queue in call order.
   * @param parts with different caches and the same range.
   * @returns how each went: STAGE_NOT_LOADED, STAGE_POSITION_GAP, STAGE_FULL, STAGE_NOT_FINITE, or
   *          AbortError when its signal aborts, after which its cache's length is what it was before.
   * @param options.isAlone nobody else is served now: a short step may hold the event loop up for as long
   *        as it takes, because handing it to another thread takes longer than anybody would wait.
   */
  stepTogether(parts: StepPart[], options?: { isAlone?: boolean }): Promise<StepOutcome[]>
  /** stepTogether with one part. @throws its error. */
  step(request: StepRequest, signal?: AbortSignal): Promise<StepResult>
  close(): Promise<void>
}
