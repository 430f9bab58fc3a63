// Flow B, what answers cost that were asked for here, read from their own events as they pass: tokens per
// second, the answers that run, the last one with predicted beside measured, and what each route reached.
// Owns these figures. Nothing of it lies on the way of an activation: a token costs an addition.

import type { Clock } from '../base/clock.ts'
import type { GenerateEvent, GenerateResult } from '../wire/generation.ts'
import type { RouteStage } from '../wire/session.ts'
import type { TopGeneration, TopHop, TopSession } from '../wire/top.ts'
import { routeKey, type RoutePrediction } from './top-figures.ts'
import { Rate } from './top-rate.ts'

/** Routes whose speed is remembered; a swarm that changes more often has no speed to speak of. */
const ROUTES_MAX = 64
/** Tokens of an answer whose speed counts as measured: fewer say more about the start than the route. */
const MEASURED_TOKENS_MIN = 8
/** Between two looks at a counter that a rate is taken of. */
const LOOK_MS = 1000

export interface TopMeterComponents {
  clock: Clock
  /** What the cost model says of a route at this moment; null when it cannot say. */
  predict: (stages: readonly RouteStage[]) => RoutePrediction | null
  /** Bytes of weights that a token reads in a range of the model; null without one. */
  weightBytes: (range: { start: number; end: number }) => number | null
}

interface Running {
  promptTokens: number | null
  nTokens: number
  startedMs: number
  route: string[]
}

export class TopMeter {
  readonly #components: TopMeterComponents
  readonly #tokens = new Rate()
  readonly #running = new Set<Running>()
  readonly #routes = new Map<string, number>()
  /** The last time that each peer was measured with these layers. */
  readonly #hops = new Map<string, TopHop>()
  #generation: TopGeneration | null = null
  #looks: { atMs: number; bytes: number }[] = []

  constructor(components: TopMeterComponents) {
    this.#components = components
    this.#tokens.add(components.clock.now(), 0)
  }

  /** The same events; what they tell is noted. */
  async *follow(events: AsyncIterable<GenerateEvent>): AsyncGenerator<GenerateEvent, void> {
    const { clock, predict } = this.#components
    const running: Running = { promptTokens: null, nTokens: 0, startedMs: clock.now(), route: [] }
    let prediction: RoutePrediction | null = null
    this.#running.add(running)
    try {
      for await (const event of events) {
        if (event.type === 'text') {
          running.nTokens += event.ids.length
          this.#tokens.add(clock.now(), event.ids.length)
        } else if (event.type === 'route') {
          running.promptTokens = event.promptTokens
          running.route = event.stages.map(({ peer }) => peer)
          prediction = predict(event.stages)
        } else if (event.type === 'done') this.#note(event.result, prediction)
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

  get generation(): TopGeneration | null {
    return this.#generation
  }

  /** Tokens/s that this route reached when it was last used; null when it was not. */
  measured(stages: readonly RouteStage[]): number | null {
    return this.#routes.get(routeKey(stages)) ?? null
  }

  /** What a peer needed with exactly these layers, the last time; null when that was never measured. */
  hop(stage: { peer: string; start: number; end: number }): TopHop | null {
    const hop = this.#hops.get(stage.peer)
    return hop?.start === stage.start && hop.end === stage.end ? hop : null
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

  #note(result: GenerateResult, prediction: RoutePrediction | null): void {
    const { ids, promptIds, stages, timing } = result
    const { prefillMs, decodeMs, tokensPerSecond, perHop } = timing
    const nSteps = ids.length - 1
    if (nSteps < 1) return
    const hops = perHop.map((hop, index): TopHop => {
      const { peer, start, end } = hop
      const computeMs = prediction?.computeMs[index]
      const predicted =
        prediction === null || computeMs === undefined
          ? null
          : { computeMs, wireMs: prediction.wireMs }
      return {
        peer,
        start,
        end,
        computeMs: hop.computeMs / nSteps,
        wireMs: hop.wireMs / nSteps,
        queueMs: hop.queueMs / nSteps,
        predicted,
        weightBytes: this.#components.weightBytes({ start, end })
      }
    })
    this.#generation = {
      wallMs: this.#components.clock.wallMs(),
      promptTokens: promptIds.length,
      nTokens: ids.length,
      prefillMs,
      decodeMs,
      tokensPerSecond,
      predictedTokensPerSecond: prediction?.tokensPerSecond ?? null,
      hops
    }
    if (ids.length < MEASURED_TOKENS_MIN) return
    this.#routes.delete(routeKey(stages))
    this.#routes.set(routeKey(stages), tokensPerSecond)
    for (const hop of hops) this.#hops.set(hop.peer, hop)
    forgetOldest(this.#routes)
    forgetOldest(this.#hops)
  }
}

function forgetOldest(table: Map<string, unknown>): void {
  for (const key of table.keys()) {
    if (table.size <= ROUTES_MAX) return
    table.delete(key)
  }
}
