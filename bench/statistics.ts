// What a bench says of repeated measurements: on a shared machine the median, with its spread beside it.

import { readFileSync } from 'node:fs'

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** @param q from 0 to 1. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN
}

export function spread(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)}`
}

export interface CpuTimes {
  busy: number
  own: number
  stolen: number
  total: number
}

/** Jiffies of all cores so far, and of this process; Linux only, null elsewhere. */
export function cpuTimes(): CpuTimes | null {
  try {
    const fields = (readFileSync('/proc/stat', 'utf8').split('\n')[0] as string)
      .split(/\s+/)
      .slice(1)
      .map(Number)
    const total = fields.reduce((sum, value) => sum + value, 0)
    const idle = (fields[3] as number) + (fields[4] as number)
    const usage = process.cpuUsage()
    const own = (usage.user + usage.system) / 10_000
    return { busy: total - idle, own, stolen: fields[7] as number, total }
  } catch {
    return null
  }
}

/** Jiffies of a child so far, which cpuTimes counts as somebody else's; 0 where nobody tells. */
export function childJiffies(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  } catch {
    return 0
  }
}

/** How much of the machine others used between two readings: `other work 12 %, stolen 1 %`. */
export function disturbance(before: CpuTimes | null, after: CpuTimes | null): string {
  if (!before || !after) return 'other work unknown'
  const total = Math.max(1, after.total - before.total)
  const others = after.busy - before.busy - (after.own - before.own)
  const percent = (part: number) => `${Math.max(0, Math.round((100 * part) / total))} %`
  return `other work ${percent(others)}, stolen ${percent(after.stolen - before.stolen)}`
}
