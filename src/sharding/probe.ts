// Flow C, the measuring end: asks compute how fast our own kernels consume weights here and how fast the
// disk is, adds what the operating system knows and makes the machine's part of a profile of it. Owns the
// cache file, so that a machine is measured once and not at every start. Does not publish: node.ts does.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { dirname } from 'node:path'

import { MEMORY_KIB_MAX, RATE_MIBPS_MIN } from '../base/limits.ts'
import { claimMemoryKiB, freeMemoryBytes, type ReadText } from './memory.ts'
import { averageRate, quantiseRate, type Average } from './profile.ts'

import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Profile } from '../wire/record.ts'

export interface Measurement {
  /** Bytes of weights that one decode step consumes per second, all threads together. */
  weightBytesPerSecond: number
  /** Integer multiplications and additions per second of a prefill step. */
  int8OpsPerSecond: number
  threads: number
  /** Bytes of the model's file read from disk per second; null: not known. */
  diskBytesPerSecond: number | null
}

/** What compute offers: one measurement of this machine with the kernels that will serve. */
export interface Meter {
  /** Kernel table in use, such as `avx512vnni`. */
  readonly kernels: string
  /** Changes with every build of the addon that could measure differently. */
  readonly build: string
  /** The disk and folder that are measured; empty without a model. */
  readonly disk: string
  measure(signal?: AbortSignal): Promise<Measurement>
}

/** What is known of a machine without its neighbours and its user's wishes. */
export type Machine = Omit<Profile, 'contextTokens' | 'sessions' | 'neighbours'>

export interface ProbeOptions {
  meter: Meter
  /** Threads that a stage will use; part of what a measurement is valid for. */
  threads: number
  cacheFile: string
  /** The user's limit on weights and KV together; null claims 80 % of what is free. */
  memoryLimitBytes: number | null
  /** Measures even if the cache has an answer; small changes keep the published rates. */
  fresh: boolean
  onMeasured: (tookMs: number) => void
  clock: Clock
  log: Log
}

/** @throws whatever the meter throws, and AbortError. */
export async function probe(options: ProbeOptions, signal?: AbortSignal): Promise<Machine> {
  const { meter, threads, cacheFile, clock, log } = options
  const hardware = [
    meter.kernels,
    meter.build,
    meter.disk,
    String(threads),
    process.arch,
    cpus()[0]?.model ?? '',
    String(availableParallelism()),
    String(totalmem())
  ]
  let known = readCache(cacheFile, hardware)
  if (known === null || options.fresh) {
    const startedMs = clock.now()
    known = publish(known, await meter.measure(signal))
    log.info(`measured ${known.weightMiBps} MiB/s of weights with ${meter.kernels}`)
    options.onMeasured(clock.now() - startedMs)
    writeCache(cacheFile, { hardware, ...known }, log)
  }
  const { weightMiBps, int8Mops, diskMiBps } = known
  return {
    cores: availableParallelism(),
    kernels: meter.kernels,
    memoryKiB: claimNowKiB(options.memoryLimitBytes, 0),
    // A plan counts with no less: plain C++ on a busy machine was measured below, and held layers for nobody.
    weightMiBps: Math.max(RATE_MIBPS_MIN, weightMiBps),
    int8Mops,
    diskMiBps
  }
}

/**
 * What this process may claim now for weights and KV.
 * @param limitBytes the user's own limit; null: a part of what is free.
 * @param ownBytes of the claim that are in use already.
 */
export function claimNowKiB(limitBytes: number | null, ownBytes: number): number {
  const freeBytes = freeMemoryBytes(freemem(), readText) + ownBytes
  return Math.min(MEMORY_KIB_MAX, claimMemoryKiB(limitBytes, freeBytes))
}

/**
 * Bytes above which loading cannot end well: what this process can still allocate, or all memory where the
 * system counts its cache of files as used (macOS).
 */
export function loadableBytes(): number {
  return process.platform === 'linux' ? freeMemoryBytes(freemem(), readText) : totalmem()
}

interface Rates {
  weightMiBps: number
  int8Mops: number
  /** 0: not known. */
  diskMiBps: number
  /** What was measured, before steps: one measurement on a busy machine is off by tens of percent. */
  averages: { weight: Average; int8: Average; disk: Average | null }
}

function publish(previous: Rates | null, measured: Measurement): Rates {
  const weightMiBps = Math.floor(measured.weightBytesPerSecond / 2 ** 20)
  const int8Mops = Math.floor(measured.int8OpsPerSecond / 1e6)
  const { diskBytesPerSecond } = measured
  const disk =
    diskBytesPerSecond === null
      ? (previous?.averages.disk ?? null)
      : averageRate(
          previous?.averages.disk ?? null,
          Math.max(1, Math.floor(diskBytesPerSecond / 2 ** 20))
        )
  const weight = averageRate(previous?.averages.weight ?? null, weightMiBps)
  const int8 = averageRate(previous?.averages.int8 ?? null, int8Mops)
  return {
    weightMiBps: quantiseRate(previous?.weightMiBps ?? null, weight.rate),
    int8Mops: quantiseRate(previous?.int8Mops ?? null, int8.rate),
    diskMiBps: disk === null ? 0 : quantiseRate(previous?.diskMiBps || null, disk.rate),
    averages: { weight, int8, disk }
  }
}

/** @returns null when there is no cache of exactly this hardware; a damaged file is no cache. */
function readCache(path: string, hardware: string[]): Rates | null {
  const text = readText(path)
  if (text === null) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null // Cut short or edited: measuring again repairs it.
  }
  const cache = value as Partial<Rates & { hardware: string[] }> | null
  if (JSON.stringify(cache?.hardware) !== JSON.stringify(hardware)) return null
  const { weightMiBps, int8Mops, diskMiBps, averages } = cache ?? {}
  if (!isRate(weightMiBps) || !isRate(int8Mops)) return null
  if (!isAverage(averages?.weight) || !isAverage(averages.int8)) return null
  if (averages.disk === null) {
    return diskMiBps === 0 ? { weightMiBps, int8Mops, diskMiBps, averages } : null
  }
  if (!isRate(diskMiBps) || !isAverage(averages.disk)) return null
  return { weightMiBps, int8Mops, diskMiBps, averages }
}

function isAverage(value: Average | undefined): value is Average {
  return isRate(value?.rate) && isRate(value.samples)
}

function isRate(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function writeCache(path: string, cache: object, log: Log): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.new`, JSON.stringify(cache))
    renameSync(`${path}.new`, path)
  } catch (error) {
    log.warn(`the measurement is not kept for the next start: ${(error as Error).message}`)
  }
}

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // Absent on this system; every caller has an answer without it.
  }
}
