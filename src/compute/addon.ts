// The native addon as one typed interface, and the only place that loads it. Owns finding the built
// file, choosing the kernel table (SWARM_KERNELS) and turning native errors into SwarmErrors.
// Describes native/binding one to one; what a stage means is in native-stage.ts.

import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { abortError, SwarmError, type ErrorCode } from '../base/errors.ts'
import { ARITHMETIC_VERSION } from './arithmetic.ts'
import type { NativeModelConfig } from './native-config.ts'
import type { Sampling } from '../wire/session.ts'

const ADDON_PATH = new URL('../../../build/Release/swarm.node', import.meta.url).pathname

export interface NativeCache {
  length(): number
  heldBytes(): number
  /** Throws NATIVE_FAILED while a job uses the cache. */
  truncate(length: number): void
  fork(length: number, capacityTokens: number): NativeCache
  close(): void
}

/** Opaque; freed when it is no longer referenced. */
export interface NativeSampler {
  count(ids: Int32Array): void
}

export interface NativePart {
  cache: NativeCache
  position: number
  nTokens: number
  ids?: Int32Array
  input?: Uint8Array
  output?: Uint8Array
  sampler?: NativeSampler
  draft?: Int32Array
  /** (nTokens, vocab) or (vocab,) of the last position, told apart by length. */
  logits?: Float32Array
  /** Set the one element to cancel: the part ends with code CANCELLED. */
  cancel: Int32Array
}

export interface NativeOutcome {
  error?: Error
  /** As many of each as tokens were sampled; absent without a sampler. */
  ids?: number[]
  logitsHashes?: string[]
}

export interface NativeStep {
  start: number
  end: number
  parts: NativePart[]
  /** Threads that take part; absent: as many as are fastest now. The bits do not depend on it. */
  threads?: number
}

export interface NativeStepped {
  computeUs: number
  parts: NativeOutcome[]
}

/** Layers, then positions, each from and to (not included). */
export type NativeSpan = [number, number, number, number]

export interface NativeLoadOptions {
  /** Parts (model/layer-part.ts), ascending. */
  onDisk: readonly number[]
  cancel: Int32Array
  sliceMs: number
}

/** After one call of load. */
export interface NativeLoad {
  doneBytes: number
  totalBytes: number
  isDone: boolean
  /** Layers that serve now: start and end of each range, in turn. */
  held: number[]
}

export interface NativeModel {
  /**
   * Reads on for about sliceMs; to be called again with the same ranges until isDone. Layers outside them
   * are freed by the first call.
   * @param ranges start and end of each, in turn, in the order in which they are to serve.
   * @param options.onDisk parts of their layers that are read for each pass.
   */
  load(ranges: number[], options: NativeLoadOptions): Promise<NativeLoad>
  step(step: NativeStep): Promise<NativeStepped>
  /** The same on the calling thread, at once. Throws NATIVE_FAILED while any job has not settled. */
  stepHere(step: NativeStep): NativeStepped
  weightBytes(): number
  /** A KV type is GGML's number of it: 0 F32, 1 F16, 8 Q8_0. */
  cacheBytes(layers: number, capacityTokens: number, kvType: number): number
  openCache(start: number, end: number, capacityTokens: number, kvType: number): NativeCache
  exportCache(cache: NativeCache, span: NativeSpan, target: Uint8Array): Promise<void>
  importCache(cache: NativeCache, span: NativeSpan, bytes: Uint8Array): Promise<void>
  /** Of the pages that all caches hold, shared ones once. */
  kvBytes(): number
  limitKv(bytes: number): void
  openSampler(sampling: Sampling, logitsHash: string): NativeSampler
  /** Blocks until running jobs are done: await them first. */
  close(): void
}

/** What native/stage/meter.h measures, by the order of its enum. */
export interface NativeMeterJob {
  meter: number
  threads: number
  seconds: number
  type: number
  nTokens: number
}

/** Units per second; the unit is the meter's. */
export interface NativeRate {
  /** Of the fastest pass: other work on the machine can only make one slower. */
  best: number
  /** What a long run gets, the turns of other programs included. */
  mean: number
}

/** Synchronous. Vectors are 256 floats of length 1, keys 48 bytes; labels are the caller's, below 2^24. */
export interface NativeVectorIndex {
  /** False when the vector is not finite or not of length 1; throws NATIVE_OUT_OF_MEMORY. */
  set(label: number, key: Uint8Array, vector: Float32Array): boolean
  remove(label: number): void
  /** Best first; null when the question is no unit vector. `allowed` marks labels by 1; null allows all. */
  search(
    question: Float32Array,
    limit: number,
    allowed: Uint8Array | null
  ): { labels: Uint32Array; scores: Float64Array } | null
  score(question: Float32Array, label: number): number | null
  /** Between which the coarse pass expects the score. */
  bounds(question: Float32Array, label: number): [lower: number, upper: number] | null
  size(): number
  sizeBytes(): number
  /** Rows whose product the last search computed. */
  refined(): number
  close(): void
}

export interface NativeAddon {
  arithmeticVersion: number
  chooseKernels(forced: string): { selected: string | null; available: string[] }
  /** Empty, or what is wrong with this machine's arithmetic. */
  selfTest(table: string): string
  measure(table: string, jobs: NativeMeterJob[]): Promise<NativeRate[]>
  /** Gives freed memory that the C library keeps back to the system: some milliseconds. */
  giveBackFreed(): void
  Model: new (config: NativeModelConfig, table: string) => NativeModel
  VectorIndex: new (table: string) => NativeVectorIndex
  /** Single operations for the tests; see native/binding/testing.cpp. */
  testing: Record<string, (...args: unknown[]) => unknown>
}

export interface Kernels {
  addon: NativeAddon
  /** Name of the kernel table in use. */
  table: string
  /** Tables that this machine can run, best first. */
  available: string[]
}

let loaded: Kernels | null = null

/**
 * The addon with its kernel table, loaded and checked once per process.
 * @throws NATIVE_MISSING when it was not built, NATIVE_UNSUPPORTED_CPU when SWARM_KERNELS names a table
 *         that this machine cannot run, NATIVE_SELF_TEST when its arithmetic is not IEEE's.
 */
export function loadKernels(): Kernels {
  if (loaded) return loaded
  const addon = loadAddon()
  if (addon.arithmeticVersion !== ARITHMETIC_VERSION) {
    throw new SwarmError(
      'NATIVE_MISSING',
      `the native addon is of another version (arithmetic ${addon.arithmeticVersion}, ` +
        `this program has ${ARITHMETIC_VERSION}); run: npm rebuild`
    )
  }
  const forced = process.env['SWARM_KERNELS'] ?? ''
  const { selected, available } = addon.chooseKernels(forced)
  if (selected === null) {
    throw new SwarmError(
      'NATIVE_UNSUPPORTED_CPU',
      `SWARM_KERNELS=${forced} cannot run on this machine; it has ${available.join(', ')}`
    )
  }
  const fault = addon.selfTest(selected)
  if (fault !== '') {
    throw new SwarmError(
      'NATIVE_SELF_TEST',
      `this machine's arithmetic is not what every peer assumes (${fault}); it cannot compute`
    )
  }
  loaded = { addon, table: selected, available }
  return loaded
}

function loadAddon(): NativeAddon {
  const require = createRequire(import.meta.url)
  try {
    return require(ADDON_PATH) as NativeAddon
  } catch (error) {
    throw new SwarmError(
      'NATIVE_MISSING',
      'the native addon is not built, so this machine can join but not compute; ' +
        'install a C++17 compiler and CMake 3.15, then run: npm rebuild',
      { cause: error }
    )
  }
}

/** Changes with every build of the addon: what an older one was measured to do is no longer known. */
export function addonBuild(): string {
  const { size, mtimeMs } = statSync(ADDON_PATH)
  return `${size} ${Math.floor(mtimeMs)}`
}

/** Whether this machine has no addon to compute with; what can be done without one then is. */
export function isNativeAway(error: unknown): boolean {
  if (!(error instanceof SwarmError)) return false
  return error.code === 'NATIVE_MISSING' || error.code === 'NATIVE_SELF_TEST'
}

/** What a native promise rejected with, as the project's own error. */
export function fromNative(error: unknown): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const message = error instanceof Error ? error.message : String(error)
  if (code === 'CANCELLED') return abortError()
  if (/^(MODEL|STAGE|NATIVE|WIRE|USAGE)_[A-Z_]+$/.test(code)) {
    return new SwarmError(code as ErrorCode, message)
  }
  return new SwarmError('NATIVE_FAILED', message, { cause: error })
}
