// Flow B, where the time of a generation went. Decode visits the stages one after another, so compute,
// queue and wire of all hops add up to the time between the first and the last token; prefill overlaps
// between stages and is told as one number.

import type { Clock } from '../base/clock.ts'
import type { HopTiming, Loss } from '../wire/generation.ts'
import type { RouteStage, StageStats } from '../wire/session.ts'
import type { SessionEvent } from './session-types.ts'

/**
 * @param decodeMs from the first token to the last, measured at the origin.
 * @param stats of each stage in the route's order.
 * @returns one entry per stage, whose three parts sum to decodeMs; none when a stage did not tell.
 */
export function perHopTiming(
  stages: RouteStage[],
  stats: (StageStats | null)[],
  decodeMs: number
): HopTiming[] {
  const known = stats.filter((entry) => entry !== null)
  if (known.length !== stages.length) return []
  const insideMs = known.reduce(
    (sum, { decodeComputeUs, decodeQueueUs }) => sum + (decodeComputeUs + decodeQueueUs) / 1000,
    0
  )
  // Stages may have worked on tokens that were dropped here; their time then exceeds ours.
  const wireMs = Math.max(0, decodeMs - insideMs) / stages.length
  return stages.map(({ peer, start, end }, index) => {
    const { decodeComputeUs, decodeQueueUs } = known[index] as StageStats
    const computeMs = decodeComputeUs / 1000
    return { peer, start, end, computeMs, queueMs: decodeQueueUs / 1000, wireMs }
  })
}

/** Tokens after the first, per second of decode; 0 when there is only one. */
export function tokensPerSecond(nTokens: number, decodeMs: number): number {
  return nTokens < 2 || decodeMs <= 0 ? 0 : ((nTokens - 1) * 1000) / decodeMs
}

/** When the events of a turn came, by the origin's clock. */
export class Stopwatch {
  readonly #clock: Clock
  #openedMs = 0
  #firstMs = 0
  #lastMs = 0
  #nTokens = 0
  #losses: Loss[] = []
  #lostMs: number | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** From the first chunk sent to the first token; 0 while there is none. */
  get prefillMs(): number {
    return Math.max(0, this.#firstMs - this.#openedMs)
  }

  /** Stages that were lost, in order. */
  get losses(): Loss[] {
    return [...this.#losses]
  }

  /** From the first token to the last. */
  get decodeMs(): number {
    return this.#lastMs - this.#firstMs
  }

  note(event: SessionEvent): void {
    const nowMs = this.#clock.now()
    if (event.type === 'opened') this.#openedMs = nowMs
    if (event.type === 'rerouting' && this.#lostMs === null) {
      this.#lostMs = nowMs
      this.#losses.push({ reason: event.reason, tokens: this.#nTokens, pauseMs: 0 })
    }
    if (event.type === 'token' || event.type === 'prefill') this.#goOn(nowMs)
    if (event.type !== 'token') return
    this.#nTokens++
    if (this.#firstMs === 0) this.#firstMs = nowMs
    this.#lastMs = nowMs
  }

  /** The turn moves again. */
  #goOn(nowMs: number): void {
    const loss = this.#losses.at(-1)
    if (loss !== undefined && this.#lostMs !== null) loss.pauseMs = nowMs - this.#lostMs
    this.#lostMs = null
  }
}
