// Flow C, how fast a plan should be, in whole microseconds: of one token, of the first one after a prompt,
// and of several sessions that keep every stage busy. What is measured is compared with these figures
// (docs/planning.md has the formulas). Pure.

import { toUs, type Costs } from './cost.ts'
import { ceilDiv } from './integer.ts'

import type { Hops } from './hops.ts'
import type { Candidate } from './search.ts'
import type { ViewPeer } from './view.ts'

export interface Prediction {
  /** One token of one session, all stages and hops. */
  tokenUs: number
  /** Of each stage, rounded down. */
  perStageUs: number[]
  /** All hops together. */
  hopUs: number
  /** From a prompt of PROMPT_TOKENS to its first token, nothing else going on. */
  firstTokenUs: number
  /** No plan of these peers has a shorter token; equal to tokenUs where this one is proven best. */
  boundUs: number
  /** Derived for people; takes part in no decision and no hash. */
  tokensPerSecond: number
  /** All sessions together when each stage has one to work on. */
  pooledTokensPerSecond: number
}

/** A question with a page of text. */
export const PROMPT_TOKENS = 512
/** Positions of a prompt that go through the stages together, so that stages overlap. */
export const PROMPT_CHUNK_TOKENS = 128

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
  const perStageUs = stages.map(({ start, end }, index) =>
    toUs(costs.stageTicks(peers[index] as ViewPeer, start, end))
  )
  const periodUs = Math.max(tokenUs, stages.length * Math.max(...perStageUs))
  return {
    tokenUs,
    perStageUs,
    hopUs: toUs(hops.routeTicks(peers)),
    firstTokenUs: firstTokenUs(costs, hops, peers, { stages, ticks }, PROMPT_TOKENS),
    boundUs: Math.min(tokenUs, toUs(boundTicks)),
    tokensPerSecond: 1e6 / tokenUs,
    pooledTokensPerSecond: (1e6 * stages.length) / periodUs
  }
}

/**
 * From a prompt of so many positions to its first token, nothing else going on: the last chunk enters the
 * first stage once all others have passed the slowest one, and leaves the last stage like every chunk; the
 * head is read once.
 */
export function firstTokenUs(
  costs: Costs,
  hops: Hops,
  peers: readonly ViewPeer[],
  { stages, ticks }: Pick<Candidate, 'stages' | 'ticks'>,
  promptTokens: number
): number {
  const nChunks = Math.max(1, ceilDiv(promptTokens, PROMPT_CHUNK_TOKENS))
  const chunkTokens = Math.max(1, Math.min(promptTokens, PROMPT_CHUNK_TOKENS))
  const chunkUs = stages.map(({ start, end }, index) =>
    costs.chunkUs(peers[index] as ViewPeer, start, end, chunkTokens)
  )
  const carryUs = peers.slice(1).map((to, index) => {
    const from = peers[index] as ViewPeer
    return hops.moreUs(from, to, chunkTokens) + toUs(hops.ticks(from, to))
  })
  const last = stages.at(-1)
  const lastPeer = peers.at(-1)
  let headUs = 0
  if (last && lastPeer) {
    const { start, end } = last
    headUs = Math.max(
      0,
      toUs(costs.stageTicks(lastPeer, start, end)) - costs.chunkUs(lastPeer, start, end, 1)
    )
  }
  const slowestUs = Math.max(...chunkUs, ...carryUs)
  const passUs = [...chunkUs, ...carryUs].reduce((sum, us) => sum + us, 0)
  return Math.max(1, toUs(ticks), passUs + (nChunks - 1) * slowestUs + headUs)
}
