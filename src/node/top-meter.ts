// Flow B, what answers cost that were asked for here, read from their own events as they pass: tokens per
// second, the answers that run, a report of each with predicted beside measured, and what each route
// reached. Owns these figures and adds the prediction to the result; session-history.ts keeps the reports.
// Nothing of it lies on the way of an activation: a token costs an addition.

import type { Clock } from '../base/clock.ts'
import type { GenerateEvent, GenerateResult, RoutePrediction } from '../wire/generation.ts'
import type { RouteStage } from '../wire/session.ts'
import type { HopReport, SessionReport } from '../wire/session-report.ts'
import type { TopSession } from '../wire/top.ts'
import { splitWire } from '../pipeline/timing.ts'
import { routeKey } from './top-figures.ts'
import { Rate } from './top-rate.ts'

import type { PeerId } from '../wire/ids.ts'
import type { RouteUse } from '../sharding/predict-route.ts'

/** Routes whose speed is remembered; a swarm that changes more often has no speed to speak of. */
const ROUTES_MAX = 64
/** Tokens of an answer whose speed counts as measured: fewer say more about the start than the route. */
const MEASURED_TOKENS_MIN = 8
/** Between two looks at a counter that a rate is taken of. */
const LOOK_MS = 1000

export interface TopMeterComponents {
  clock: Clock
  /** What the cost model says of a route at this moment; null when it cannot say. */
  predict: (stages: readonly RouteStage[], use: RouteUse) => RoutePrediction | null
  /** Measured one-way delays of a route's hops, in any unit; null where one is not known. */
  delays: (stages: readonly RouteStage[]) => number[] | null
  /** Bytes of weights that a token reads in a range of the model; null without one. */
  weightBytes: (range: { start: number; end: number }) => number | null
  modelName: () => string
  nameOf: (peer: PeerId) => string
  onReport: (report: SessionReport) => void
}

interface Running {
  session: string
  promptTokens: number | null
  cachedTokens: number
  nTokens: number
  startedMs: number
  route: string[]
}

const NOT_BEGUN: Running = {
  session: '',
  promptTokens: null,
  cachedTokens: 0,
  nTokens: 0,
  startedMs: 0,
  route: []
}

export class TopMeter {
  readonly #components: TopMeterComponents
  readonly #tokens = new Rate()
  readonly #running = new Set<Running>()
  readonly #routes = new Map<string, number>()
  /** The last time that each peer was measured with each of its stages. */
  readonly #hops = new Map<string, HopReport>()
  #generation: SessionReport | null = null
  #looks: { atMs: number; bytes: number }[] = []

  constructor(components: TopMeterComponents) {
    this.#components = components
    this.#tokens.add(components.clock.now(), 0)
  }

  /** The same events; what they tell is noted. */
  async *follow(events: AsyncIterable<GenerateEvent>): AsyncGenerator<GenerateEvent, void> {
    const { clock, predict } = this.#components
    const startedMs = clock.now()
    const running = { ...NOT_BEGUN, startedMs }
    let prediction: RoutePrediction | null = null
    this.#running.add(running)
    try {
      for await (const event of events) {
        if (event.type === 'text') {
          running.nTokens += event.ids.length
          this.#tokens.add(clock.now(), event.ids.length)
        } else if (event.type === 'route') {
          const { session, stages, promptTokens, cachedTokens } = event
          const route = stages.map(({ peer }) => peer)
          Object.assign(running, { session, promptTokens, cachedTokens, route })
          const use = { promptTokens: promptTokens - cachedTokens, nSessions: this.#running.size }
          prediction = predict(stages, use)
        } else if (event.type === 'done') {
          yield { ...event, result: this.#note(event.result, running, prediction) }
          continue
        }
        yield event
      }
    } finally {
      this.#running.delete(running)
    }
  }

  get tokensPerSecond(): number {
    return this.#tokens.perSecond(this.#components.clock.now())
  }

  /** Tokens of each whole second so far, oldest first. */
  get history(): number[] {
    return this.#tokens.history(this.#components.clock.now())
  }

  get sessions(): TopSession[] {
    const nowMs = this.#components.clock.now()
    return [...this.#running].map(({ promptTokens, nTokens, startedMs, route }) => ({
      promptTokens,
      nTokens,
      runMs: Math.round(nowMs - startedMs),
      route
    }))
  }

  get generation(): SessionReport | null {
    return this.#generation
  }

  /** Tokens/s that this route reached when it was last used; null when it was not. */
  measured(stages: readonly RouteStage[]): number | null {
    return this.#routes.get(routeKey(stages)) ?? null
  }

  /** What a peer needed with exactly these layers, the last time; null when that was never measured. */
  hop(stage: { peer: string; start: number; end: number }): HopReport | null {
    return this.#hops.get(stageKey(stage)) ?? null
  }

  /**
   * Bytes per second behind a counter that only rises, over about the last second.
   * @returns 0 until it was looked at twice.
   */
  bytesPerSecond(bytes: number): number {
    const atMs = this.#components.clock.now()
    const before = this.#looks.findLast((look) => atMs - look.atMs >= LOOK_MS) ?? this.#looks[0]
    this.#looks = [
      ...this.#looks.filter((look) => look.atMs >= (before?.atMs ?? 0)),
      { atMs, bytes }
    ]
    if (before === undefined || before.atMs === atMs) return 0
    return Math.max(0, bytes - before.bytes) / ((atMs - before.atMs) / 1000)
  }

  /** @returns the result as it is told: the wire split by the links, the prediction beside. */
  #note(
    result: GenerateResult,
    running: Running,
    prediction: RoutePrediction | null
  ): GenerateResult {
    const { stages, timing } = result
    const delays = this.#components.delays(stages)
    const perHop = delays === null ? timing.perHop : splitWire(timing.perHop, delays)
    const told = {
      ...result,
      timing: { ...timing, perHop, ...(prediction && { predicted: prediction }) }
    }
    const report = this.#report(told, running, delays === null ? 'even' : 'links')
    // Whoever gave up before there was a route has cost nobody anything.
    if (running.session !== '') this.#components.onReport(report)
    if (report.nTokens < 2) return told
    this.#generation = report
    if (report.nTokens < MEASURED_TOKENS_MIN) return told
    this.#routes.delete(routeKey(stages))
    this.#routes.set(routeKey(stages), report.tokensPerSecond)
    for (const hop of report.hops) this.#hops.set(stageKey(hop), hop)
    forgetOldest(this.#routes)
    forgetOldest(this.#hops)
    return told
  }

  #report(
    { ids, promptIds, timing }: GenerateResult,
    { session, cachedTokens }: Running,
    wireSplit: 'links' | 'even'
  ): SessionReport {
    const { clock, modelName, nameOf, weightBytes } = this.#components
    const { prefillMs, decodeMs, tokensPerSecond, perHop, predicted } = timing
    const nSteps = ids.length - 1
    const hops = perHop.map(({ peer, start, end, ...parts }, index): HopReport => {
      return {
        peer,
        name: nameOf(peer as PeerId),
        start,
        end,
        computeMs: parts.computeMs / nSteps,
        wireMs: parts.wireMs / nSteps,
        queueMs: parts.queueMs / nSteps,
        predicted: predicted?.perHop[index] ?? null,
        weightBytes: weightBytes({ start, end })
      }
    })
    return {
      session,
      wallMs: clock.wallMs(),
      model: modelName(),
      promptTokens: promptIds.length,
      cachedTokens,
      nTokens: ids.length,
      prefillMs,
      predictedFirstTokenMs: predicted?.firstTokenMs ?? null,
      decodeMs,
      tokensPerSecond,
      predictedTokensPerSecond: predicted?.tokensPerSecond ?? null,
      wireSplit,
      // One token has no time between tokens.
      hops: nSteps < 1 ? [] : hops
    }
  }
}

function forgetOldest(table: Map<string, unknown>): void {
  for (const key of table.keys()) {
    if (table.size <= ROUTES_MAX) return
    table.delete(key)
  }
}

function stageKey({ peer, start, end }: { peer: string; start: number; end: number }): string {
  return `${peer} ${start} ${end}`
}
