// Flow A, serving side: what the steps of a session cost its stage since the newest epoch began. The origin
// gets these counts with the next `opened` or `closed` and makes times per hop of them (timing.ts).

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

/** Adds a finished step. @param startedMs by the same clock as the work's arrival. */
export function countStep(
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
