// Flow A: the stage of stage.ts on the native addon. Owns the mapping of ranges, caches and samplers to
// native objects and cancellation by AbortSignal. Keeps no session and takes no decision.

import { abortError, SwarmError } from '../base/errors.ts'
import {
  contains,
  formatRange,
  intersection,
  layerCount,
  type LayerRange
} from '../model/layer-range.ts'
import type { KvType, Sampling } from '../wire/session.ts'
import {
  fromNative,
  loadKernels,
  type NativeCache,
  type NativeModel,
  type NativeSampler
} from './addon.ts'
import { nativeConfig, type StageModel } from './native-config.ts'
import type { Sampler, Stage, StageCache, StepRequest, StepResult } from './stage.ts'

class Cache implements StageCache {
  readonly native: NativeCache
  readonly range: LayerRange
  readonly capacityTokens: number
  readonly sizeBytes: number

  constructor(native: NativeCache, range: LayerRange, capacityTokens: number, sizeBytes: number) {
    this.native = native
    this.range = range
    this.capacityTokens = capacityTokens
    this.sizeBytes = sizeBytes
  }

  get length(): number {
    return this.native.length()
  }

  truncate(length: number): void {
    this.native.truncate(length)
  }

  close(): void {
    this.native.close()
  }
}

class NativeSamplerHandle implements Sampler {
  readonly native: NativeSampler

  constructor(native: NativeSampler) {
    this.native = native
  }

  close(): void {
    // The native object goes with this one; it holds a few kilobytes.
  }
}

export class NativeStage implements Stage {
  readonly nLayers: number
  readonly dim: number
  readonly vocabSize: number
  readonly #native: NativeModel
  #held: LayerRange | null = null
  #running = new Set<Promise<unknown>>()
  #closed = false

  /**
   * @param threads that compute; at least 1.
   * @param table kernel table; the process's own unless a test compares tables.
   * @throws NATIVE_* when this machine cannot compute, MODEL_* when the model does not fit the engine.
   */
  constructor(model: StageModel, threads: number, table = loadKernels().table) {
    const { addon } = loadKernels()
    this.nLayers = model.hyper.nLayers
    this.dim = model.hyper.dim
    this.vocabSize = model.hyper.vocabSize
    try {
      this.#native = new addon.Model(nativeConfig(model, threads), table)
    } catch (error) {
      throw fromNative(error)
    }
  }

  get held(): LayerRange | null {
    return this.#held
  }

  get weightBytes(): number {
    return this.#closed ? 0 : this.#native.weightBytes()
  }

  async load(
    range: LayerRange,
    onProgress: (doneBytes: number, totalBytes: number) => void = () => {},
    signal?: AbortSignal
  ): Promise<void> {
    // Layers outside the new range are freed as soon as loading begins; those inside stay usable.
    this.#held = intersection(this.#held, range)
    await this.#run(signal, (cancel) =>
      this.#native.load(range.start, range.end, { cancel }, onProgress)
    )
    this.#held = { start: range.start, end: range.end }
  }

  async unload(): Promise<void> {
    this.#held = null
    await this.#run(undefined, (cancel) => this.#native.load(0, 0, { cancel }, () => {}))
  }

  cacheBytes(range: LayerRange, capacityTokens: number, kvType: KvType): number {
    return this.#native.cacheBytes(layerCount(range), capacityTokens, kvType === 'f16')
  }

  openCache(range: LayerRange, capacityTokens: number, kvType: KvType): StageCache {
    const half = kvType === 'f16'
    try {
      const native = this.#native.openCache(range.start, range.end, capacityTokens, half)
      return new Cache(
        native,
        range,
        capacityTokens,
        this.cacheBytes(range, capacityTokens, kvType)
      )
    } catch (error) {
      throw fromNative(error)
    }
  }

  openSampler(sampling: Sampling): Sampler {
    try {
      return new NativeSamplerHandle(this.#native.openSampler(sampling))
    } catch (error) {
      throw fromNative(error)
    }
  }

  async step(request: StepRequest, signal?: AbortSignal): Promise<StepResult> {
    const { cache, range, sampler } = request
    if (this.#held === null || !contains(this.#held, range)) {
      throw new SwarmError(
        'STAGE_NOT_LOADED',
        `layers ${formatRange(range)} are not loaded here; the plan has changed, ask again`
      )
    }
    const { position, nTokens, ids, input, output, logits } = request
    const result = await this.#run(signal, (cancel) =>
      this.#native.step({
        cache: (cache as Cache).native,
        start: range.start,
        end: range.end,
        position,
        nTokens,
        ...(ids && { ids }),
        ...(input && { input }),
        ...(output && { output }),
        ...(logits && { logits }),
        ...(sampler && { sampler: (sampler as NativeSamplerHandle).native }),
        cancel
      })
    )
    const { computeUs, token, logitsHash } = result
    if (token === undefined || logitsHash === undefined) return { computeUs, token: null }
    return { computeUs, token: { id: token, logitsHash } }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#held = null
    await Promise.allSettled(this.#running)
    this.#native.close()
  }

  async #run<T>(
    signal: AbortSignal | undefined,
    job: (cancel: Int32Array) => Promise<T>
  ): Promise<T> {
    if (signal?.aborted) throw abortError()
    if (this.#closed) throw new SwarmError('NATIVE_FAILED', 'the stage is closed')
    const cancel = new Int32Array(1)
    const onAbort = () => Atomics.store(cancel, 0, 1)
    signal?.addEventListener('abort', onAbort, { once: true })
    let running: Promise<T> | null = null
    try {
      running = job(cancel)
      this.#running.add(running)
      return await running
    } catch (error) {
      throw fromNative(error)
    } finally {
      if (running) this.#running.delete(running)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
