// How many threads compute by default: one per physical core this process may use. Two threads on one
// core share its vector units and caches, so the second gains nothing and costs a barrier.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Text of a small system file, or null where there is none. */
type ReadText = (path: string) => string | null

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** @param usable logical processors the system grants (affinity and container limits included). */
export function defaultThreads(usable = availableParallelism(), read: ReadText = readText): number {
  const cores = new Set<string>()
  for (let cpu = 0; ; cpu++) {
    const siblings = read(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`)
    if (siblings === null) break
    cores.add(siblings.trim())
  }
  return Math.max(1, Math.min(usable, cores.size || usable))
}
