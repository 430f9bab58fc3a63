// Flow C, the first step of a peer that computes: what this machine can do, measured with its own kernels
// or read from the cache of an earlier start. Joins sharding's probe with compute's meters; `swarm bench`
// measures anew through here, so that the next start knows.

import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { systemClock } from '../base/clock.ts'
import { addonBuild, loadKernels } from '../compute/addon.ts'
import { measureDisk } from '../compute/disk-rate.ts'
import { measureKernels } from '../compute/measure.ts'
import { defaultThreads } from '../compute/threads.ts'
import { probe, type Machine } from '../sharding/probe.ts'

import type { NodeOptions } from './options.ts'

export type MeasureOptions = Pick<
  NodeOptions,
  'model' | 'memoryBytes' | 'cacheDir' | 'threads' | 'programVersion' | 'log'
>

export interface HowToMeasure {
  /** Measures in any case; small changes keep the published rates. */
  fresh?: boolean
  /** It was measured, in so many milliseconds, and not read from the cache. */
  onMeasured?: (tookMs: number) => void
}

export function threadsOf({ threads }: Pick<NodeOptions, 'threads'>): number {
  return threads ?? defaultThreads()
}

/**
 * Takes a second at the first start, none later.
 * @throws NATIVE_*; AbortError.
 */
export async function measureMachine(
  options: MeasureOptions,
  signal: AbortSignal,
  { fresh = false, onMeasured = () => {} }: HowToMeasure = {}
): Promise<Machine> {
  const { model, memoryBytes, cacheDir, programVersion, log } = options
  const threads = threadsOf(options)
  return await probe(
    {
      meter: {
        kernels: loadKernels().table,
        build: `${programVersion} ${addonBuild()}`,
        disk: model === null ? '' : diskOf(model),
        measure: async () => ({
          ...(await measureKernels(threads)),
          diskBytesPerSecond: model === null ? null : await measureDisk(model)
        })
      },
      threads,
      cacheFile: join(cacheDir, 'profile.json'),
      memoryLimitBytes: memoryBytes,
      fresh,
      onMeasured,
      clock: systemClock,
      log: log.child('probe')
    },
    signal
  )
}

/** The folder of a model and the disk it is on: another disk may be mounted there later. */
function diskOf(model: string): string {
  try {
    return `${statSync(model).dev} ${dirname(model)}`
  } catch {
    return '' // Reading the model says what is wrong.
  }
}
