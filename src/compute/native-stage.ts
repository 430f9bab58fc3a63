// Flow A: the stage of stage.ts on the native addon. Owns the mapping of ranges, caches and samplers to
// native objects and cancellation by AbortSignal. Keeps no session and takes no decision.

import { abortError, SwarmError } from '../base/errors.ts'
import { KV_PIECE_BYTES_MAX } from '../base/limits.ts'
import {
  containsAll,
  formatRange,
  intersect,
  layerAt,
  layerCount,
  sameRange,
  type LayerRange
} from '../model/layer-range.ts'
import { layerOf } from '../model/layer-part.ts'
import { NO_LOGITS_HASH, type KvType, type Sampling } from '../wire/session.ts'
import {
  fromNative,
  loadKernels,
  type NativeModel,
  type NativeOutcome,
  type NativeSpan
} from './addon.ts'
import { ARITHMETIC_VERSION, sessionArithmetic } from './arithmetic.ts'
import { KV_HEADER_BYTES, readKvHeader, writeKvHeader, type KvShape } from './kv-piece.ts'
import { nativeConfig, type StageModel } from './native-config.ts'
import {
  nativeCacheOf,
  NativeCacheHandle,
  nativePart,
  NativeSamplerHandle,
  outcomeOf
} from './native-parts.ts'
import { loopRound, ShortSteps } from './short-steps.ts'

import type {
  KvSpan,
  LoadOptions,
  Sampler,
  Stage,
  StageCache,
  StepOutcome,
  StepPart,
  StepRequest,
  StepResult
} from './stage.ts'

/** GGML's number of the format that a KV type is stored in. */
const KV_NUMBERS: Record<KvType, number> = { f32: 0, f16: 1, q8_0: 8 }

/**
 * How long a load reads before it lets steps through: short beside a token of a model for which loading
 * takes a while, long beside what it costs to begin a slice, which is some tens of microseconds.
 */
const SLICE_MS = 20

export class NativeStage implements Stage {
  readonly nLayers: number
  readonly dim: number
  readonly vocabSize: number
  readonly #native: NativeModel
  readonly #heads: Pick<KvShape, 'nKvHeads' | 'headDim'>
  #held: readonly LayerRange[] = []
  #onDisk: readonly number[] = []
  #running = new Set<Promise<unknown>>()
  readonly #shortSteps: ShortSteps
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
    const { nKvHeads, headDim } = model.hyper
    this.#heads = { nKvHeads, headDim }
    const config = nativeConfig(model, threads)
    const busyMs = () => performance.eventLoopUtilization().active
    this.#shortSteps = new ShortSteps({ isTied: config.places.length > 0, busyMs })
    try {
      this.#native = new addon.Model(config, table)
    } catch (error) {
      throw fromNative(error)
    }
  }

  get held(): readonly LayerRange[] {
    return this.#held
  }

  get onDisk(): readonly number[] {
    return this.#onDisk
  }

  get weightBytes(): number {
    return this.#closed ? 0 : this.#native.weightBytes()
  }

  async load(
    ranges: readonly LayerRange[],
    { onDisk = [], onProgress, sliceMs = SLICE_MS, pace }: LoadOptions = {},
    signal?: AbortSignal
  ): Promise<void> {
    // Layers outside the new ranges are freed as soon as loading begins; those inside stay usable.
    let held = intersect(this.#held, ranges)
    this.#held = held
    // Parts that are to be resident come from disk until they are.
    const before = this.#onDisk.filter((part) => containsAll(ranges, [layerAt(layerOf(part))]))
    this.#onDisk = [...new Set([...before, ...onDisk])].toSorted((a, b) => a - b)
    const edges = ranges.flatMap(({ start, end }) => [start, end])
    try {
      await this.#run(signal, async (cancel) => {
        for (;;) {
          const slice = await this.#native.load(edges, { onDisk, cancel, sliceMs })
          held = rangesOf(slice.held)
          onProgress?.(slice.doneBytes, slice.totalBytes)
          if (slice.isDone) break
          await pace?.()
        }
        this.#onDisk = onDisk
      })
    } finally {
      if (!this.#closed) this.#held = held
    }
  }

  cacheBytes(range: LayerRange, capacityTokens: number, kvType: KvType): number {
    return this.#native.cacheBytes(layerCount(range), capacityTokens, KV_NUMBERS[kvType])
  }

  openCache(range: LayerRange, capacityTokens: number, kvType: KvType): StageCache {
    const { start, end } = range
    try {
      const native = this.#native.openCache(start, end, capacityTokens, KV_NUMBERS[kvType])
      const bytesOf = (tokens: number) => this.cacheBytes(range, tokens, kvType)
      return new NativeCacheHandle(native, { range, capacityTokens, kvType }, bytesOf)
    } catch (error) {
      throw fromNative(error)
    }
  }

  get kvBytes(): number {
    return this.#closed ? 0 : this.#native.kvBytes()
  }

  limitKv(budgetBytes: number): void {
    if (!this.#closed) this.#native.limitKv(Math.max(0, budgetBytes))
  }

  async exportCache(cache: StageCache, span: KvSpan): Promise<Uint8Array> {
    const shape = this.#shapeOf(cache)
    const { layers, start, end } = span
    const rows = layerCount(layers) * 2 * shape.nKvHeads * (end - start)
    const sizeBytes = KV_HEADER_BYTES + rows * rowBytes(shape)
    if (sizeBytes > KV_PIECE_BYTES_MAX) {
      const text = `${end - start} positions are ${sizeBytes} bytes, more than one piece may have`
      throw new SwarmError(
        'WIRE_TOO_LARGE',
        `${text} (${KV_PIECE_BYTES_MAX}): export fewer at once`
      )
    }
    const piece = new Uint8Array(Math.max(KV_HEADER_BYTES, sizeBytes))
    writeKvHeader(shape, span, piece)
    const target = piece.subarray(KV_HEADER_BYTES)
    const native = nativeCacheOf(cache)
    await this.#run(undefined, () => this.#native.exportCache(native, nativeSpan(span), target))
    return piece
  }

  async importCache(cache: StageCache, modelId: string, piece: Uint8Array): Promise<KvSpan> {
    const span = readKvHeader(this.#shapeOf(cache), modelId, piece)
    const rows = piece.subarray(KV_HEADER_BYTES)
    const native = nativeCacheOf(cache)
    await this.#run(undefined, () => this.#native.importCache(native, nativeSpan(span), rows))
    return span
  }

  openSampler(sampling: Sampling, logitsHash = NO_LOGITS_HASH): Sampler {
    try {
      return new NativeSamplerHandle(this.#native.openSampler(sampling, logitsHash))
    } catch (error) {
      throw fromNative(error)
    }
  }

  async step(request: StepRequest, signal?: AbortSignal): Promise<StepResult> {
    const [outcome] = await this.stepTogether([{ request, ...(signal && { signal }) }])
    if (outcome === undefined || 'error' in outcome) throw outcome?.error
    return outcome.result
  }

  async stepTogether(parts: StepPart[], { isAlone = false } = {}): Promise<StepOutcome[]> {
    const [part] = parts as [StepPart]
    const isToken = parts.length === 1 && part.request.nTokens === 1
    // The event loop waits for no disk.
    if (isToken && isAlone && this.#onDisk.length === 0 && this.#shortSteps.isNext) {
      await loopRound()
      if (this.#running.size === 0) return [this.#stepHere(part)]
    }
    if (isToken) this.#shortSteps.handed()
    const range = this.#rangeOf(parts)
    const cells = parts.map(({ signal }) => Int32Array.of(signal?.aborted ? 1 : 0))
    const listeners = parts.map(({ signal }, i) => {
      const onAbort = () => Atomics.store(cells[i] as Int32Array, 0, 1)
      signal?.addEventListener('abort', onAbort, { once: true })
      return onAbort
    })
    try {
      const native = parts.map(({ request }, i) => nativePart(request, cells[i] as Int32Array))
      const { computeUs, parts: outcomes } = await this.#run(undefined, () =>
        this.#native.step({ ...range, parts: native })
      )
      if (isToken) this.#shortSteps.note(computeUs)
      return outcomes.map((outcome) => outcomeOf(outcome, computeUs))
    } finally {
      for (const [i, { signal }] of parts.entries()) {
        signal?.removeEventListener('abort', listeners[i] as () => void)
      }
    }
  }

  /** On this thread, which nobody can interrupt. */
  #stepHere({ request, signal }: StepPart): StepOutcome {
    if (this.#closed) throw closedError()
    const range = this.#rangeOf([{ request }])
    const native = nativePart(request, Int32Array.of(signal?.aborted ? 1 : 0))
    try {
      this.#shortSteps.begins()
      const { computeUs, parts: outcomes } = this.#native.stepHere({ ...range, parts: [native] })
      this.#shortSteps.ran(computeUs)
      return outcomeOf(outcomes[0] as NativeOutcome, computeUs)
    } catch (error) {
      throw fromNative(error)
    }
  }

  /** @throws NATIVE_FAILED, STAGE_NOT_LOADED */
  #rangeOf(parts: StepPart[]): LayerRange {
    const { start, end } = (parts[0] as StepPart).request.range
    const range = { start, end }
    if (parts.some(({ request }) => !sameRange(range, request.range))) {
      throw new SwarmError('NATIVE_FAILED', 'the parts of a step are of different layers')
    }
    if (containsAll(this.#held, [range])) return range
    throw new SwarmError(
      'STAGE_NOT_LOADED',
      `layers ${formatRange(range)} are not loaded here; the plan has changed, ask again`
    )
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#held = []
    await Promise.allSettled(this.#running)
    this.#native.close()
  }

  async #run<T>(
    signal: AbortSignal | undefined,
    job: (cancel: Int32Array) => Promise<T>
  ): Promise<T> {
    if (signal?.aborted) throw abortError()
    if (this.#closed) throw closedError()
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

  #shapeOf({ kvType }: StageCache): KvShape {
    return { arithmetic: sessionArithmetic(ARITHMETIC_VERSION, kvType), kvType, ...this.#heads }
  }
}

function closedError(): SwarmError {
  return new SwarmError('NATIVE_FAILED', 'the stage is closed')
}

/** Bytes of one head of one position outside the stage. */
function rowBytes({ kvType, headDim }: KvShape): number {
  if (kvType === 'q8_0') return Math.ceil(headDim / 32) * 34
  return headDim * (kvType === 'f16' ? 2 : 4)
}

/** From starts and ends in turn. */
function rangesOf(edges: readonly number[]): LayerRange[] {
  const starts = edges.filter((_, i) => i % 2 === 0)
  return starts.map((start, i) => ({ start, end: edges[2 * i + 1] as number }))
}

function nativeSpan({ layers, start, end }: KvSpan): NativeSpan {
  return [layers.start, layers.end, start, end]
}
