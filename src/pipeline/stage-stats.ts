// Flow A, serving side: what a session cost on this stage, step by step. Plain sums; who shows them is
// timing.ts, on the origin's side.

import type { StageStats } from '../wire/session.ts'
import type { Work } from './work.ts'

export function noStats(): StageStats {
  return {
    prefillTokens: 0,
    prefillComputeUs: 0,
    prefillQueueUs: 0,
    decodeTokens: 0,
    decodeComputeUs: 0,
    decodeQueueUs: 0
  }
}

/** Adds a finished step. */
export function addStep(
  stats: StageStats,
  { kind, nTokens, arrivedMs }: Work,
  startedMs: number,
  computeUs: number
): void {
  const queueUs = Math.max(0, Math.round((startedMs - arrivedMs) * 1000))
  if (kind === 'decode') {
    stats.decodeTokens += nTokens
    stats.decodeComputeUs += computeUs
    stats.decodeQueueUs += queueUs
  } else {
    stats.prefillTokens += nTokens
    stats.prefillComputeUs += computeUs
    stats.prefillQueueUs += queueUs
  }
}
