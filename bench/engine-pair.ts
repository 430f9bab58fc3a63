// How one figure of the engine's bench comes about. A sample is a pair in one process: the memory's read
// bandwidth, the work, the bandwidth again. Pairs between whose probes the machine changed by more than a
// tenth say nothing and are repeated; what counts is the median of the pairs' ratios.

import { measure } from '../src/compute/measure.ts'
import { cpuTimes, disturbance, median, spread } from './statistics.ts'

/** Seconds that one probe measures: four patterns of reading, the best counts. */
const PROBE_SECONDS = 0.4
/** By how much the two probes of a pair may differ. */
const DRIFT_MAX = 0.1
/** Tries per wanted pair: on a machine that never settles the bench ends all the same, and says so. */
const TRIES_PER_PAIR = 3

export interface Pair<T> {
  value: T
  /** Bytes per second, the mean of the two probes. */
  read: number
}

export interface Pairs<T> {
  pairs: Pair<T>[]
  rejected: number
  /** What else the machine did meanwhile. */
  disturbance: string
}

/** @param work one sample; its first run warms caches and page tables and does not count. */
export async function takePairs<T>(
  wanted: number,
  threads: number,
  work: () => Promise<T>
): Promise<Pairs<T>> {
  const before = cpuTimes()
  await work()
  const pairs: Pair<T>[] = []
  const drifted: Pair<T>[] = []
  let first = await readProbe(threads)
  while (pairs.length < wanted && pairs.length + drifted.length < TRIES_PER_PAIR * wanted) {
    const value = await work()
    const second = await readProbe(threads)
    const steady = Math.abs(first - second) <= DRIFT_MAX * Math.max(first, second)
    ;(steady ? pairs : drifted).push({ value, read: (first + second) / 2 })
    first = second
  }
  const note = disturbance(before, cpuTimes())
  if (pairs.length >= Math.ceil(wanted / 2)) {
    return { pairs, rejected: drifted.length, disturbance: note }
  }
  // Hardly a steady pair: a ratio of two runs side by side is still worth something, a bound is not.
  const all = [...pairs, ...drifted]
  return { pairs: all, rejected: 0, disturbance: `${note}, NOT STEADY (${drifted.length} drifted)` }
}

export async function readProbe(threads: number): Promise<number> {
  const [rate] = await measure([{ meter: 'read' }], { threads, seconds: PROBE_SECONDS })
  return rate?.best ?? NaN
}

export interface Figure {
  /** What is compared, such as `decode: share of read bandwidth`. */
  row: string
  /** Model type, threads, positions. */
  of: string
  must: number
  aim: number
  values: number[]
  detail: string
}

const WIDTHS = { row: 37, of: 22, goal: 6 }

export function printHeading(): void {
  const { row, of, goal } = WIDTHS
  console.log(
    `${''.padEnd(row)}${''.padEnd(of)}${'must'.padStart(goal)}${'aim'.padStart(goal)}` +
      '  measured (from-to)'
  )
}

/** One line: what must be, what is aimed at, what was measured, and whether that is enough. */
export function printFigure({ row, of, must, aim, values, detail }: Figure): void {
  const middle = median(values)
  const verdict = middle >= aim ? 'aim met' : middle >= must ? 'met' : 'MISSED'
  console.log(
    row.padEnd(WIDTHS.row) +
      of.padEnd(WIDTHS.of) +
      must.toFixed(2).padStart(WIDTHS.goal) +
      aim.toFixed(2).padStart(WIDTHS.goal) +
      `  ${middle.toFixed(2)} (${spread(values)}) ${verdict}` +
      (detail ? `; ${detail}` : '')
  )
}

/** `9 pairs, 2 rejected; other work 3 %, stolen 0 %`. */
export function circumstances({ pairs, rejected, disturbance: note }: Pairs<unknown>): string {
  return `${pairs.length} pairs, ${rejected} rejected; ${note}`
}
