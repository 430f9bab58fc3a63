// Flow C, how fast a plan should be, in whole microseconds: of one token, of the first one after a prompt,
// and of several sessions that keep every stage busy. What is measured is compared with these figures
// (docs/planning.md has the formulas). Pure.

import { toUs, type Costs } from './cost.ts'
import { ceilDiv } from './integer.ts'
import { ticksPerStage } from './route-ticks.ts'

import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './search.ts'

export interface Prediction {
  /** One token of one session, all stages and hops. */
  tokenUs: number
  /** Of each stage, what it waits for its disk included; rounded down. */
  perStageUs: number[]
  /** All hops together. */
  hopUs: number
  /** From a prompt of PROMPT_TOKENS to its first token, nothing else going on. */
  firstTokenUs: number
  /** Positions of a prompt that should go through the stages together. Takes part in no hash. */
  chunkTokens: number
  /** No plan of these peers has a shorter token; equal to tokenUs where this one is proven best. */
  boundUs: number
  /** Derived for people; takes part in no decision and no hash. */
  tokensPerSecond: number
  /** All sessions together when each stage has one to work on. */
  pooledTokensPerSecond: number
}

/** A question with a page of text. */
export const PROMPT_TOKENS = 512
/**
 * Positions of prompts in one step at most: large enough that it is bound by arithmetic and not by reading
 * weights, small enough that whoever comes first while it runs waits for a second at most.
 */
export const PREFILL_CHUNK_TOKENS = 128
/** What may go through the stages together, so that they overlap; smaller ones are slow for the kernels. */
const CHUNK_TOKENS = [PREFILL_CHUNK_TOKENS, 64, 32] as const

/** @param peers of each stage, in the order of the stages. */
export function predict(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  { stages, ticks }: Candidate,
  boundTicks: number
): Prediction {
  // A model of nothing but empty layers would take no time; one microsecond keeps the rate finite.
  const tokenUs = Math.max(1, toUs(ticks))
  const perStageUs = ticksPerStage(costs, hops, peers, stages).map(toUs)
  // Between the tokens of several sessions there is no time left to read ahead in.
  const disksUs = stages.map(({ start, end }, index) =>
    toUs(costs.diskTicks(peers[index] as ViewPeer, start, end))
  )
  const periodUs = Math.max(tokenUs, stages.length * Math.max(...perStageUs, ...disksUs))
  return {
    tokenUs,
    perStageUs,
    hopUs: toUs(hops.routeTicks(peers)),
    firstTokenUs: firstTokenUs(costs, hops, peers, { stages, ticks }, PROMPT_TOKENS),
    chunkTokens: chunkTokensOf(costs, hops, peers, stages),
    boundUs: Math.min(tokenUs, toUs(boundTicks)),
    tokensPerSecond: 1e6 / tokenUs,
    pooledTokensPerSecond: (1e6 * stages.length) / periodUs
  }
}

/**
 * From a prompt of so many positions to its first token, nothing else going on: its chunks pass, and the
 * head is read once.
 */
export function firstTokenUs(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  { stages, ticks }: Pick<Candidate, 'stages' | 'ticks'>,
  promptTokens: number
): number {
  const chunkTokens = chunkTokensOf(costs, hops, peers, stages)
  const last = stages.at(-1)
  const lastPeer = peers.at(-1)
  let headUs = 0
  if (last && lastPeer) {
    headUs = costs.headUs(lastPeer, last.start, last.end)
  }
  const passUs = chunksUs(costs, hops, peers, stages, promptTokens, chunkTokens)
  return Math.max(1, toUs(ticks), passUs + headUs)
}

/** Small chunks overlap more and read the weights more often: what is best for a usual prompt. */
function chunkTokensOf(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages']
): number {
  const us = CHUNK_TOKENS.map((size) => chunksUs(costs, hops, peers, stages, PROMPT_TOKENS, size))
  return CHUNK_TOKENS[us.indexOf(Math.min(...us))] as number
}

/**
 * The last chunk enters the first stage once all others have passed the slowest one, and leaves the last
 * stage like every chunk.
 */
function chunksUs(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  stages: Candidate['stages'],
  promptTokens: number,
  sizeTokens: number
): number {
  const nChunks = Math.max(1, ceilDiv(promptTokens, sizeTokens))
  const chunkTokens = Math.max(1, Math.min(promptTokens, sizeTokens))
  const chunkUs = stages.map(({ start, end }, index) =>
    costs.chunkUs(peers[index] as ViewPeer, start, end, chunkTokens)
  )
  const carryUs = peers.slice(1).map((to, index) => {
    const from = peers[index] as ViewPeer
    return hops.moreUs(from, to, chunkTokens) + toUs(hops.ticks(from, to))
  })
  const slowestUs = Math.max(...chunkUs, ...carryUs)
  const passUs = [...chunkUs, ...carryUs].reduce((sum, us) => sum + us, 0)
  return passUs + (nChunks - 1) * slowestUs
}
