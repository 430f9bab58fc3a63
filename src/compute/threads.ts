// How many threads compute by default, and which processors each may use. One per core: two threads on one
// core share its vector units and caches, so the second gains nothing and costs a barrier. Fast cores
// first: at a barrier all wait for the slowest. Where all cores are alike and all memory is near, nobody is
// tied to anything, because the system moves a thread away from a busy neighbour better than we would.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

import { readCores, type Core, type ReadText } from './processors.ts'

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** @param usable logical processors the system grants (affinity and container limits included). */
export function defaultThreads(usable = availableParallelism(), read: ReadText = readText): number {
  const fast = readCores(read).filter(({ isFast }) => isFast)
  return Math.max(1, Math.min(usable, fast.length || usable))
}

/**
 * The processors that each thread may use; an empty list means any.
 *
 * Threads are spread evenly over the nodes of memory, each on all fast processors of its node: pages lie
 * near the thread that touches them first, and threads of all nodes load the weights. Threads beyond the
 * fast cores get the slow ones.
 * @returns (threads,)
 */
export function threadPlaces(threads: number, read: ReadText = readText): number[][] {
  const cores = readCores(read)
  const fast = cores.filter(({ isFast }) => isFast)
  const slow = cores.filter(({ isFast }) => !isFast)
  const nFast = slow.length === 0 ? threads : Math.min(threads, fast.length)
  return [...placesOn(fast, nFast, slow.length > 0), ...placesOn(slow, threads - nFast, true)]
}

function placesOn(cores: readonly Core[], threads: number, isTied: boolean): number[][] {
  const nodes = [...new Set(cores.map(({ node }) => node))].toSorted((a, b) => a - b)
  const cpusOf = (node: number | undefined) =>
    cores.filter((core) => core.node === node).flatMap(({ cpus }) => cpus)
  return Array.from({ length: threads }, (_, thread) => {
    if (nodes.length < 2 && !isTied) return []
    return cpusOf(nodes[Math.floor((thread * nodes.length) / threads)])
  })
}
