// One neighbour's heartbeats over a way with jitter and loss, an observer whose loop stalls, and at the
// end the neighbour's death: all from a seed, minutes in milliseconds. Only heartbeats are heard, so that
// nothing else can hide a verdict that is wrong.

import { seededRandom, unit } from '../../../src/base/random.ts'
import { BEAT_INTERVAL_MS } from '../../../src/peer/link/jitter.ts'
import { Silence, TICK_MS, listenedMs } from '../../../src/peer/link/silence.ts'

export interface Way {
  /** A heartbeat takes from 0 to so many ms more than the quickest one, uniformly. */
  jitterMs: number
  lossShare: number
  /** Stalls of the observer's loop per minute, and the longest of them. */
  stallsPerMinute: number
  stallMostMs: number
}

export interface SilenceReport {
  /** Whether the verdict fell while the neighbour lived; then nothing more was measured. */
  isFalse: boolean
  /** From the death to the verdict, less the time in which the observer stalled. */
  noticedMs: number
  /** Jitter and limit by which the verdict fell. */
  jitterMs: number
  limitMs: number
  nBeats: number
  nStalls: number
}

/** @param livesMs how long the neighbour lives. */
export function silenceRun(seed: number, way: Way, livesMs: number): SilenceReport {
  const random = seededRandom(seed)
  const arrivals: number[] = []
  for (let sentMs = 0; sentMs < livesMs; sentMs += BEAT_INTERVAL_MS) {
    // As timers are: never early, at times a little late.
    const dueMs = sentMs + 3 * unit(random)
    if (unit(random) >= way.lossShare) arrivals.push(dueMs + way.jitterMs * unit(random))
  }
  arrivals.sort((a, b) => a - b)
  // Received on another thread, which does not stall with the loop.
  const gapMs = (index: number) =>
    index === 0 ? null : (arrivals[index] as number) - (arrivals[index - 1] as number)
  const silence = new Silence(0)
  const report = { isFalse: false, noticedMs: 0, jitterMs: 0, limitMs: 0, nBeats: 0, nStalls: 0 }
  const stallShare = (way.stallsPerMinute * TICK_MS) / 60_000
  let nowMs = 0
  let stalledMs = 0
  for (;;) {
    const isStall = unit(random) < stallShare
    const stepMs = TICK_MS + 2 * unit(random) + (isStall ? way.stallMostMs * unit(random) : 0)
    const beforeMs = nowMs
    // Heard between two ticks as it arrives, but after a stall all at once, behind the tick.
    const turnMs = isStall ? beforeMs : beforeMs + stepMs
    while ((arrivals[report.nBeats] ?? Infinity) < turnMs) {
      silence.beat(arrivals[report.nBeats] as number, gapMs(report.nBeats++))
    }
    nowMs = beforeMs + stepMs
    if (isStall) {
      report.nStalls++
      if (nowMs > livesMs) stalledMs += stepMs - TICK_MS
    }
    // Heartbeats alone are at stake here; of the link's own connection nothing is simulated.
    if (silence.tick(listenedMs(stepMs), nowMs) === 'peer') {
      report.jitterMs = silence.jitterMs ?? 0
      report.limitMs = silence.limitMs
      report.isFalse = nowMs < livesMs
      report.noticedMs = nowMs - livesMs - stalledMs
      return report
    }
    while ((arrivals[report.nBeats] ?? Infinity) < nowMs) {
      silence.beat(nowMs, gapMs(report.nBeats++))
    }
  }
}
