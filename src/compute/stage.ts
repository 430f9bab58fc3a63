// Flow A, the computing end: a stage holds some layers of one model and runs positions through them.
// Declares what the pipeline may ask of it; native-stage.ts answers with the addon, tests also with a
// toy. Owns no session: who may use a cache, and in which order, is the stage host's business.

import type { LayerRange } from '../model/layer-range.ts'
import type { KvType, Sampling } from '../wire/session.ts'

/** Keys and values of one session for the layers of one stage. */
export interface StageCache {
  readonly range: LayerRange
  readonly capacityTokens: number
  readonly sizeBytes: number
  /** Positions stored; a step must start exactly here. */
  readonly length: number
  /** Forgets positions from `length` on. Must not run while a step uses the cache. */
  truncate(length: number): void
  close(): void
}

/** Chooses tokens for one session; holds its counts of generated ids and its chained logits hash. */
export interface Sampler {
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
  /** When the range ends with the last layer: filled with (nTokens, vocab), or (vocab,) of the last. */
  logits?: Float32Array
}

export interface StepResult {
  /** Time inside the native step, whole microseconds. */
  computeUs: number
  /** The sampled token when a sampler was given; hash is 16 hex digits. */
  token: { id: number; logitsHash: string } | null
}

export interface Stage {
  readonly nLayers: number
  readonly dim: number
  readonly vocabSize: number
  /** Layers ready for steps now. */
  readonly held: LayerRange | null
  /** Bytes of weights resident now. */
  readonly weightBytes: number
  /**
   * Makes exactly this range resident; layers already held are kept, others are dropped.
   * The caller makes sure that no step runs on layers that go.
   * @param onProgress bytes read so far and in all.
   * @throws MODEL_CHANGED, MODEL_TRUNCATED, NATIVE_OUT_OF_MEMORY
   */
  load(
    range: LayerRange,
    onProgress?: (doneBytes: number, totalBytes: number) => void,
    signal?: AbortSignal
  ): Promise<void>
  /** Frees all layers. The caller makes sure that no step runs on them. */
  unload(): Promise<void>
  /** @throws NATIVE_OUT_OF_MEMORY */
  openCache(range: LayerRange, capacityTokens: number, kvType: KvType): StageCache
  /** Bytes that openCache would take, for admission. */
  cacheBytes(range: LayerRange, capacityTokens: number, kvType: KvType): number
  openSampler(sampling: Sampling): Sampler
  /**
   * Runs positions through layers on the native threads. Steps queue in call order.
   * @throws STAGE_NOT_LOADED, STAGE_POSITION_GAP, STAGE_NOT_FINITE; AbortError when the signal aborts,
   *         after which the cache's length is what it was before.
   */
  step(request: StepRequest, signal?: AbortSignal): Promise<StepResult>
  close(): Promise<void>
}
