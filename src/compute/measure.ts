// Flow C: what this machine gives our own kernels, measured. Sharding turns it into a profile.

import { fromNative, loadKernels } from './addon.ts'

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
  const { addon, table } = loadKernels()
  try {
    return { kernels: table, threads, ...(await addon.probe(table, threads)) }
  } catch (error) {
    throw fromNative(error)
  }
}
