// Flow A: what a stage hands to the addon and takes from it: caches and samplers with the native object that
// each stands for, and the parts of a step. Owns no native call but theirs; when a step runs, and on which
// thread, is native-stage.ts's.

import {
  fromNative,
  type NativeCache,
  type NativeOutcome,
  type NativePart,
  type NativeSampler
} from './addon.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { KvType } from '../wire/session.ts'
import type { Sampler, StageCache, StepOutcome, StepRequest } from './stage.ts'

export class NativeCacheHandle implements StageCache {
  readonly native: NativeCache
  readonly range: LayerRange
  readonly capacityTokens: number
  readonly kvType: KvType
  readonly #bytesOf: (capacityTokens: number) => number

  constructor(
    native: NativeCache,
    shape: Pick<StageCache, 'range' | 'capacityTokens' | 'kvType'>,
    bytesOf: (capacityTokens: number) => number
  ) {
    this.native = native
    this.range = shape.range
    this.capacityTokens = shape.capacityTokens
    this.kvType = shape.kvType
    this.#bytesOf = bytesOf
  }

  get sizeBytes(): number {
    return this.#bytesOf(this.capacityTokens)
  }

  get heldBytes(): number {
    return this.native.heldBytes()
  }

  get length(): number {
    return this.native.length()
  }

  truncate(length: number): void {
    try {
      this.native.truncate(length)
    } catch (error) {
      throw fromNative(error)
    }
  }

  fork(length: number, capacityTokens: number): NativeCacheHandle {
    const { range, kvType } = this
    try {
      const native = this.native.fork(length, capacityTokens)
      return new NativeCacheHandle(native, { range, capacityTokens, kvType }, this.#bytesOf)
    } catch (error) {
      throw fromNative(error)
    }
  }

  close(): void {
    this.native.close()
  }
}

export class NativeSamplerHandle implements Sampler {
  readonly native: NativeSampler

  constructor(native: NativeSampler) {
    this.native = native
  }

  count(ids: Int32Array): void {
    this.native.count(ids)
  }

  close(): void {
    // The native object goes with this one; it holds a few kilobytes.
  }
}

/** Of a cache that a native stage opened. */
export function nativeCacheOf(cache: StageCache): NativeCache {
  return (cache as NativeCacheHandle).native
}

/** A session's share of a step, as the addon takes it. */
export function nativePart(request: StepRequest, cancel: Int32Array): NativePart {
  const { cache, position, nTokens, ids, input, output, logits, sampler, draft } = request
  return {
    cache: nativeCacheOf(cache),
    position,
    nTokens,
    ...(ids && { ids }),
    ...(input && { input }),
    ...(output && { output }),
    ...(logits && { logits }),
    ...(sampler && { sampler: (sampler as NativeSamplerHandle).native }),
    ...(sampler && draft && { draft }),
    cancel
  }
}

/** How it went, as the addon tells. @param computeUs of the whole step. */
export function outcomeOf(outcome: NativeOutcome, computeUs: number): StepOutcome {
  const { error, ids = [], logitsHashes = [] } = outcome
  if (error !== undefined) return { error: fromNative(error) }
  const tokens = ids.map((id, i) => ({ id, logitsHash: logitsHashes[i] as string }))
  return { result: { computeUs, tokens } }
}
