// Flow B, where the time of a generation went. Decode visits the stages one after another, so what each
// stage says it took, waiting included, and the wire between them add up to the time between the first
// and the last token. That the wire is what is left needs no common clock; how it is split among the
// hops is advice from whoever knows the links. Prefill overlaps between stages and is one number.

import type { Clock } from '../base/clock.ts'
import type { HopTiming, Loss } from '../wire/generation.ts'
import type { RouteStage, StageStats } from '../wire/session.ts'
import type { SessionEvent } from './session-types.ts'

/**
 * @param stats of each stage in the route's order.
 * @param nSteps tokens after the first. Stages that had decoded further when the answer was cut count
 *               for as many as were used.
 * @param decodeMs from the first token to the last, measured at the origin.
 * @returns one entry per stage with an even share of the wire; none when a stage did not tell.
 */
export function perHopTiming(
  stages: RouteStage[],
  stats: (StageStats | null)[],
  nSteps: number,
  decodeMs: number
): HopTiming[] {
  const known = stats.filter((entry) => entry !== null)
  if (known.length !== stages.length) return []
  const hops = stages.map(({ peer, start, end }, index) => {
    const { decodeTokens, decodeComputeUs, decodeQueueUs } = known[index] as StageStats
    const used = Math.min(1, Math.max(0, nSteps) / Math.max(1, decodeTokens))
    const computeMs = (used * decodeComputeUs) / 1000
    return { peer, start, end, computeMs, queueMs: (used * decodeQueueUs) / 1000 }
  })
  const insideMs = hops.reduce((sum, { computeMs, queueMs }) => sum + computeMs + queueMs, 0)
  // Below zero only where a stage counts more than there was; the sum then tells on it.
  const wireMs = Math.max(0, decodeMs - insideMs) / stages.length
  return hops.map((hop) => ({ ...hop, wireMs }))
}

/**
 * The same wire in all, split among the hops as these weights are.
 * @param weights one per hop, such as the measured one-way delay of its link.
 */
export function splitWire(hops: readonly HopTiming[], weights: readonly number[]): HopTiming[] {
  const wireMs = hops.reduce((sum, hop) => sum + hop.wireMs, 0)
  const whole = weights.reduce((sum, weight) => sum + weight, 0)
  if (weights.length !== hops.length || whole <= 0) return [...hops]
  return hops.map((hop, index) => ({ ...hop, wireMs: (wireMs * (weights[index] ?? 0)) / whole }))
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
