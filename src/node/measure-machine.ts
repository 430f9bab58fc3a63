// Flow C, the first step of a peer that computes: what this machine can do, measured with its own kernels
// or read from the cache of an earlier start. Joins sharding's probe with compute's meter.

import { join } from 'node:path'

import { loadKernels } from '../compute/addon.ts'
import { measureKernels } from '../compute/measure.ts'
import { defaultThreads } from '../compute/threads.ts'
import { probe, type Machine } from '../sharding/probe.ts'

import type { NodeOptions } from './options.ts'

export function threadsOf({ threads }: Pick<NodeOptions, 'threads'>): number {
  return threads ?? defaultThreads()
}

/** Takes a second at the first start, none later. @throws NATIVE_*; AbortError. */
export async function measureMachine(options: NodeOptions, signal: AbortSignal): Promise<Machine> {
  const { memoryBytes, cacheDir, programVersion, log } = options
  const threads = threadsOf(options)
  return await probe(
    {
      meter: {
        kernels: loadKernels().table,
        build: programVersion,
        measure: () => measureKernels(threads)
      },
      threads,
      cacheFile: join(cacheDir, 'profile.json'),
      memoryLimitBytes: memoryBytes,
      fresh: false,
      log: log.child('probe')
    },
    signal
  )
}
