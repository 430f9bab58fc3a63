// Flow C, how much memory this process may claim: what the machine has free, within the limit of
// every control group around it. The reader of files is an argument, so that a test can be any machine.
// Does not watch: node/memory-watch.ts looks again while the peer runs.

import { MEMORY_FINE_STEP_KIB, MEMORY_STEP_KIB, quantiseMemory } from './profile.ts'

// A fifth stays with everything else: systems that packed memory to 100 % died at the first long
// context, and 20 % is the reserve that fixed it.
const CLAIM_PERCENT = 80

/** The text of a file, or null when it cannot be read. */
export type ReadText = (path: string) => string | null

/**
 * Memory to claim for weights and KV, KiB.
 * @param limitBytes the user's own limit, taken as it is; null claims 80 % of what is free.
 */
export function claimMemoryKiB(limitBytes: number | null, freeBytes: number): number {
  if (limitBytes !== null) return Math.floor(limitBytes / 1024)
  return quantiseMemory(Math.floor((freeBytes / 1024) * (CLAIM_PERCENT / 100)))
}

/** Claims looked at before one changes: five minutes of looking once a minute. */
export const CLAIMS_LOOKED_AT = 5

/**
 * The claim to publish: the one before, unless each of the last claims was more than a step above it, or
 * each more than a step below. Then the nearest of them: a program that comes and goes changes nothing.
 * @param claimsKiB the newest last.
 */
export function steadyClaim(previousKiB: number, claimsKiB: readonly number[]): number {
  const last = claimsKiB.slice(-CLAIMS_LOOKED_AT)
  if (last.length < CLAIMS_LOOKED_AT) return previousKiB
  const stepKiB = previousKiB >= 2 ** 20 ? MEMORY_STEP_KIB : MEMORY_FINE_STEP_KIB
  const most = Math.max(...last)
  const least = Math.min(...last)
  if (most < previousKiB - stepKiB) return most
  return least > previousKiB + stepKiB ? least : previousKiB
}

/**
 * Bytes that can still be allocated here.
 * @param systemFreeBytes what the operating system has available (os.freemem()).
 */
export function freeMemoryBytes(systemFreeBytes: number, readText: ReadText): number {
  let freeBytes = systemFreeBytes
  for (const group of memoryGroups(readText('/proc/self/cgroup') ?? '')) {
    const limit = number(readText(`${group.folder}/${group.limit}`))
    const used = number(readText(`${group.folder}/${group.used}`))
    if (limit === null || used === null) continue
    // Cached file pages count as used but are given back under pressure.
    const cached = /^inactive_file (\d+)$/m.exec(readText(`${group.folder}/memory.stat`) ?? '')
    const room = limit - used + Number(cached?.[1] ?? 0)
    freeBytes = Math.min(freeBytes, Math.max(0, room))
  }
  return freeBytes
}

interface MemoryGroup {
  folder: string
  limit: string
  used: string
}

/** Every group from the process's own up to the root, of control groups version 1 and 2. */
function memoryGroups(cgroupText: string): MemoryGroup[] {
  const groups: MemoryGroup[] = []
  for (const line of cgroupText.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    const parts = path.split('/').filter((part) => part !== '' && part !== '..')
    for (let depth = parts.length; depth >= 0; depth--) {
      const below = parts.slice(0, depth).map((part) => `/${part}`)
      if (controllers === '') {
        const folder = `/sys/fs/cgroup${below.join('')}`
        groups.push({ folder, limit: 'memory.max', used: 'memory.current' })
      } else if (controllers.split(',').includes('memory')) {
        const folder = `/sys/fs/cgroup/memory${below.join('')}`
        groups.push({ folder, limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes' })
      }
    }
  }
  return groups
}

/** A file's whole number; null for a missing file and for `max`, which means no limit. */
function number(text: string | null): number | null {
  const digits = text?.trim() ?? ''
  return /^\d+$/.test(digits) ? Number(digits) : null
}
