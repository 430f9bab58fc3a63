// Flow C: what this machine gives our own kernels, and what it could give at best, measured on native
// threads. Sharding makes a profile of it, `swarm bench` prints and predicts with it.

import { tensorTypeNamed, type SupportedType } from '../model/tensor-types.ts'
import { fromNative, loadKernels, type NativeRate } from './addon.ts'

/** Seconds per figure: some dozens of passes of a few milliseconds. */
const SECONDS = 0.2

/** Order of enum Meter in native/stage/meter.h. */
const METERS = ['read', 'int8', 'float', 'multiply'] as const

export type Rate = NativeRate

/**
 * 'read': bytes of memory per second; 'int8', 'float': products per second from registers, where a
 * product is two operations. No kernel exceeds these. 'multiply': weights times positions per second, in
 * the product of a matrix that is larger than the caches with `nTokens` positions at a time.
 */
export type Meter =
  { meter: 'read' | 'int8' | 'float' } | { meter: 'multiply'; type: SupportedType; nTokens: number }

export interface MeasureOptions {
  threads: number
  /** Kernel table; the process's own unless tables are compared. */
  table?: string
  /** Per meter. */
  seconds?: number
}

export interface Measurement {
  /** Name of the kernel table measured. */
  kernels: string
  threads: number
  /** Bytes of Q4_K weights consumed per second when one position is computed. */
  weightBytesPerSecond: number
  /** Integer operations per second when 64 positions are computed, multiply and add counted as two. */
  int8OpsPerSecond: number
}

/** Takes about half a second on native threads. @throws NATIVE_* */
export async function measureKernels(threads: number): Promise<Measurement> {
  const type = 'Q4_K'
  const [decode, prefill] = await measure(
    [
      { meter: 'multiply', type, nTokens: 1 },
      { meter: 'multiply', type, nTokens: 64 }
    ],
    { threads }
  )
  return {
    kernels: loadKernels().table,
    threads,
    weightBytesPerSecond: Math.floor((decode?.best ?? 0) * bytesPerWeight(type)),
    int8OpsPerSecond: Math.floor((prefill?.best ?? 0) * 2)
  }
}

/** @returns one rate per meter, in units per second. @throws NATIVE_* */
export async function measure(meters: readonly Meter[], options: MeasureOptions): Promise<Rate[]> {
  const { threads, table = loadKernels().table, seconds = SECONDS } = options
  const jobs = meters.map((one) => ({
    meter: METERS.indexOf(one.meter),
    threads,
    seconds,
    type: one.meter === 'multiply' ? tensorTypeNamed(one.type).id : 0,
    nTokens: one.meter === 'multiply' ? one.nTokens : 1
  }))
  try {
    return await loadKernels().addon.measure(table, jobs)
  } catch (error) {
    throw fromNative(error)
  }
}

export function bytesPerWeight(type: SupportedType): number {
  const { bytesPerBlock, blockLength } = tensorTypeNamed(type)
  return bytesPerBlock / blockLength
}
