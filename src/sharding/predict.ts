// Flow C, how fast a plan should be, in whole microseconds: of one token, of the first one after a prompt,
// and of several sessions that keep every stage busy. What is measured is compared with these figures
// (docs/planning.md has the formulas). Pure.

import { chunkingOf, chunksUs, passTimes, PROMPT_TOKENS } from './chunks.ts'
import { toUs, type Costs } from './cost.ts'
import { ticksPerStage } from './route-ticks.ts'

import type { Chunking } from './chunking.ts'
import type { ViewPeer } from './facts.ts'
import type { Hops } from './hops.ts'
import type { Candidate } from './cover.ts'

export interface Prediction {
  /** One token of one session, all stages and hops. */
  tokenUs: number
  /** Of each stage, what it waits for its disk included; rounded down. */
  perStageUs: number[]
  /** All hops together. */
  hopUs: number
  /** From a prompt of PROMPT_TOKENS to its first token, nothing else going on. */
  firstTokenUs: number
  /** How a prompt should be cut for these stages. Takes part in no hash. */
  chunking: Chunking
  /** No plan of these peers has a shorter token; equal to tokenUs where this one is proven best. */
  boundUs: number
  /** Derived for people; takes part in no decision and no hash. */
  tokensPerSecond: number
  /** All sessions together when each stage has one to work on. */
  pooledTokensPerSecond: number
}

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
  const chunking = chunkingOf(costs, hops, peers, stages)
  const slowestUs = Math.max(...sumOfEach(peers, perStageUs), ...disksUs)
  const periodUs = Math.max(tokenUs, stages.length * slowestUs)
  return {
    tokenUs,
    perStageUs,
    hopUs: toUs(hops.routeTicks(peers)),
    firstTokenUs: firstTokenUs(costs, hops, peers, { stages, ticks }, PROMPT_TOKENS, chunking),
    chunking,
    boundUs: Math.min(tokenUs, toUs(boundTicks)),
    tokensPerSecond: 1e6 / tokenUs,
    pooledTokensPerSecond: (1e6 * stages.length) / periodUs
  }
}

/** (nStages,) of all stages of a stage's peer together. */
export function sumOfEach(peers: readonly ViewPeer[], values: readonly number[]): number[] {
  return peers.map((peer) =>
    values.reduce((sum, value, index) => (peers[index] === peer ? sum + value : sum), 0)
  )
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
  promptTokens: number,
  chunking = chunkingOf(costs, hops, peers, stages)
): number {
  const last = stages.at(-1)
  const lastPeer = peers.at(-1)
  let headUs = 0
  if (last && lastPeer) {
    headUs = costs.headUs(lastPeer, last.start, last.end)
  }
  const passUs = chunksUs(passTimes(costs, hops, peers, stages), promptTokens, chunking)
  return Math.max(1, toUs(ticks), passUs + headUs)
}
