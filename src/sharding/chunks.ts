// Flow C, how a prompt is cut: how long its chunks take through the stages of a plan, and how many positions
// should go together. What sessions send then is pipeline/chunk-flow.ts's. Pure.

import { CHUNK_TOKENS_MAX } from '../base/limits.ts'
import { toUs, type Costs } from './cost.ts'
import { ceilDiv, floorDiv } from './integer.ts'

import type { ModelFacts, ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './search.ts'

/** A question with a page of text: the prompt that plans think of. */
export const PROMPT_TOKENS = 512
/**
 * Positions of prompts in one step at most: large enough that it is bound by arithmetic and not by reading
 * weights, small enough that whoever comes first while it runs waits for a second at most.
 */
export const PREFILL_CHUNK_TOKENS = 128
/** What may go through the stages together, so that they overlap; smaller ones are slow for the kernels. */
const CHUNK_TOKENS = [PREFILL_CHUNK_TOKENS, 64, 32] as const
/** With layers on disk, which are read once for each chunk: whoever comes waits for the disk in any case. */
const DISK_CHUNK_TOKENS = [PREFILL_CHUNK_TOKENS, 256, CHUNK_TOKENS_MAX, 64, 32] as const
/** What the positions of such a chunk may add to reading: a session is given up after STEP_TIMEOUT_MS. */
const LONG_CHUNK_US_MAX = 30e6

/**
 * On a machine that nobody has measured: as many as compute in LONG_CHUNK_US_MAX at 500 operations a
 * nanosecond, four cores of a laptop. Where that is less, computing is what takes long and not the disk.
 */
export function longChunkTokens({ layerKops = [] }: Pick<ModelFacts, 'layerKops'>): number {
  const most = floorDiv(LONG_CHUNK_US_MAX * 500, Math.max(1, sum(layerKops)))
  return Math.max(PREFILL_CHUNK_TOKENS, Math.min(most, CHUNK_TOKENS_MAX))
}

/** Small chunks overlap more and read the weights more often: the first that is best for a usual prompt. */
export function chunkTokensOf(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages']
): number {
  const streams = stages.some(
    (stage, index) => costs.streamed(peers[index] as ViewPeer, stage).length > 0
  )
  const passUs = (size: number) => sum(passesUs(costs, hops, peers, stages, size))
  const isShort = (size: number) =>
    size <= PREFILL_CHUNK_TOKENS || passUs(size) - passUs(1) <= LONG_CHUNK_US_MAX
  const sizes = streams ? DISK_CHUNK_TOKENS.filter(isShort) : CHUNK_TOKENS
  const us = sizes.map((size) => chunksUs(costs, hops, peers, stages, PROMPT_TOKENS, size))
  return sizes[us.indexOf(Math.min(...us))] as number
}

/**
 * Of a prompt in chunks of `sizeTokens`, microseconds from its first stage to its last one, nothing else
 * going on: the last chunk enters the first stage once all others have passed the slowest one, and leaves
 * the last stage like every chunk.
 */
export function chunksUs(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages'],
  promptTokens: number,
  sizeTokens: number
): number {
  const nChunks = Math.max(1, ceilDiv(promptTokens, sizeTokens))
  const chunkTokens = Math.max(1, Math.min(promptTokens, sizeTokens))
  const us = passesUs(costs, hops, peers, stages, chunkTokens)
  return sum(us) + (nChunks - 1) * Math.max(...us)
}

/** Of one chunk: through each stage, and over each hop between them. */
function passesUs(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages'],
  chunkTokens: number
): number[] {
  const chunkUs = stages.map(({ start, end }, index) =>
    costs.chunkUs(peers[index] as ViewPeer, start, end, chunkTokens)
  )
  const carryUs = peers.slice(1).map((to, index) => {
    const from = peers[index] as ViewPeer
    return hops.moreUs(from, to, chunkTokens) + toUs(hops.ticks(from, to))
  })
  return [...chunkUs, ...carryUs]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
