// Flow A, serving side: what one epoch of a session costs this stage. Prefill and decode are counted apart,
// as the wire's StageStats are; every time is this machine's own clock, so no two clocks are compared.

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
export function countStep(
  stats: StageStats,
  work: Work,
  { startedMs, computeUs }: { startedMs: number; computeUs: number }
): void {
  const queueUs = Math.max(0, Math.round((startedMs - work.arrivedMs) * 1000))
  if (work.kind === 'decode') {
    stats.decodeTokens += work.nTokens
    stats.decodeComputeUs += computeUs
    stats.decodeQueueUs += queueUs
  } else {
    stats.prefillTokens += work.nTokens
    stats.prefillComputeUs += computeUs
    stats.prefillQueueUs += queueUs
  }
}
