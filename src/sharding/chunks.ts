// Flow C, which way of cutting a prompt suits a plan: how long chunks take through its stages, and of some
// ways (chunking.ts) the one with which a usual prompt passes soonest. Pure.

import { CHUNK_TOKENS_MAX } from '../base/limits.ts'
import { chunkSizes, evenChunking, GROWTH_UNIT, type Chunking, type Taper } from './chunking.ts'
import { toUs, type Costs } from './cost.ts'
import { floorDiv } from './integer.ts'
import { hasRounds } from './shared-costs.ts'

import type { ModelFacts, ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './cover.ts'

/** A question with a page of text: the prompt that plans think of. */
export const PROMPT_TOKENS = 512
/**
 * Positions of prompts in one step at most: large enough that it is bound by arithmetic and not by reading
 * weights, small enough that whoever comes first while it runs waits for a second at most.
 */
export const PREFILL_CHUNK_TOKENS = 128
/** The smallest that go through the stages together, to overlap; others are slow for the kernels. */
const CHUNK_TOKENS = [PREFILL_CHUNK_TOKENS, 64, 32] as const
/** With layers on disk, which are read once for each chunk: whoever comes waits for the disk in any case. */
const DISK_CHUNK_TOKENS = [PREFILL_CHUNK_TOKENS, 256, CHUNK_TOKENS_MAX, 64, 32] as const
/** What the positions of such a chunk may add to reading: a session is given up after STEP_TIMEOUT_MS. */
const LONG_CHUNK_US_MAX = 30e6
/** GROWTH_UNITths: from the smallest chunk to the largest in one step; steeper gains nothing. */
const GROWTH_MAX = 4 * GROWTH_UNIT
/** Ways of growing that are tried up to the steepest: with six a first token is 0.03 % sooner. */
const GROWTH_SHARES = 4

/**
 * On a machine that nobody has measured: as many as compute in LONG_CHUNK_US_MAX at 500 operations a
 * nanosecond, four cores of a laptop. Where that is less, computing is what takes long and not the disk.
 */
export function longChunkTokens({ layerKops = [] }: Pick<ModelFacts, 'layerKops'>): number {
  const most = floorDiv(LONG_CHUNK_US_MAX * 500, Math.max(1, sum(layerKops)))
  return Math.max(PREFILL_CHUNK_TOKENS, Math.min(most, CHUNK_TOKENS_MAX))
}

/** Small chunks overlap more and read weights more often: the first way that is best for a usual prompt. */
export function chunkingOf(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages']
): Chunking {
  const passUs = passTimes(costs, hops, peers, stages)
  const ways = readsDisks(costs, peers, stages)
    ? diskChunkings(passUs, hasRounds(stages))
    : CHUNK_TOKENS.flatMap((least) => taperedChunkings(passUs, least))
  const us = ways.map((chunking) => chunksUs(passUs, PROMPT_TOKENS, chunking))
  return ways[us.indexOf(Math.min(...us))] as Chunking
}

function readsDisks(
  costs: Costs,
  peers: readonly ViewPeer[],
  stages: Candidate['stages']
): boolean {
  return stages.some((stage, index) => costs.streamed(peers[index] as ViewPeer, stage).length > 0)
}

/** Microseconds of a chunk of so many positions: through each stage, and over the hop behind it. */
export type PassTimes = (nTokens: number) => number[]

/** @param peers of each stage, in the order of the stages. */
export function passTimes(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages']
): PassTimes {
  const usBySize = new Map<number, number[]>()
  // Chunks behind each other would send the disk of a peer with several stages back and forth.
  const isOneByOne = hasRounds(stages) && readsDisks(costs, peers, stages)
  const diskUs = toUs(
    Math.max(
      ...stages.map(({ start, end }, i) => costs.diskTicks(peers[i] as ViewPeer, start, end))
    )
  )
  return (nTokens) => {
    const known = usBySize.get(nTokens)
    if (known !== undefined) return known
    const us = stages.flatMap(({ start, end }, index) => {
      const from = peers[index] as ViewPeer
      const to = peers[index + 1]
      const stageUs = costs.chunkUs(from, start, end, nTokens)
      if (to === undefined) return [stageUs]
      return [stageUs, hops.moreUs(from, to, nTokens) + toUs(hops.ticks(from, to))]
    })
    const times = isOneByOne ? [Math.max(sum(us), diskUs)] : us
    usBySize.set(nTokens, times)
    return times
  }
}

/**
 * Of a prompt that is cut this way, microseconds from its first stage to its last one, nothing else going on:
 * each chunk passes a stage or a hop once it has come there, and the chunk before it has passed.
 */
export function chunksUs(passUs: PassTimes, promptTokens: number, chunking: Chunking): number {
  const freeUs: number[] = []
  for (const size of chunkSizes(chunking, promptTokens)) {
    let atUs = 0
    const us = passUs(size)
    for (let index = 0; index < us.length; index++) {
      atUs = Math.max(atUs, freeUs[index] ?? 0) + (us[index] as number)
      freeUs[index] = atUs
    }
  }
  return freeUs.at(-1) ?? 0
}

/** Each chunk reads what is on disk once more: all of one size. */
function diskChunkings(passUs: PassTimes, isOneByOne: boolean): Chunking[] {
  const isShort = (size: number) =>
    size <= PREFILL_CHUNK_TOKENS || sum(passUs(size)) - sum(passUs(1)) <= LONG_CHUNK_US_MAX
  return DISK_CHUNK_TOKENS.filter(isShort).map((size) => evenChunking(size, isOneByOne))
}

/**
 * With chunks as small as that at the ends where other stages than the slowest one are. One such stage keeps
 * up with chunks that grow by the ratio of the times; where several follow each other a chunk has to pass all
 * of them, so slower growth is tried too, and none.
 */
function taperedChunkings(passUs: PassTimes, least: number): Chunking[] {
  const us = passUs(least)
  const slowestUs = Math.max(...us)
  const slowest = us.indexOf(slowestUs)
  const [before, behind] = [us.slice(0, slowest), us.slice(slowest + 1)]
  const taperOf = (side: readonly number[], share: number): Taper => {
    if (side.length === 0) return evenChunking(PREFILL_CHUNK_TOKENS).opening
    const growth = Math.min(floorDiv(slowestUs * GROWTH_UNIT, Math.max(1, ...side)), GROWTH_MAX)
    return { least, growth: GROWTH_UNIT + floorDiv((growth - GROWTH_UNIT) * share, GROWTH_SHARES) }
  }
  const tapered = Array.from({ length: GROWTH_SHARES }, (_, share): Chunking => {
    const [opening, closing] = [taperOf(before, share + 1), taperOf(behind, share + 1)]
    return { most: PREFILL_CHUNK_TOKENS, opening, closing, isOneByOne: false }
  })
  return [evenChunking(least), ...tapered]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
