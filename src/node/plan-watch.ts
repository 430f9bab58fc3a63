// Flow C, when to plan: news stirs, and once it has been quiet for a moment the plan is computed anew.
// Owns the newest plan of this peer. What a plan is made of is sharding/'s; what follows from one is
// layer-keeper.ts's.

import type { Clock, Timer } from '../base/clock.ts'
import type { PeerRecord } from '../wire/record.ts'
import { readiness, type Readiness } from '../sharding/coverage.ts'
import { computePlan, type Plan } from '../sharding/plan.ts'
import { createView, type ModelFacts } from '../sharding/view.ts'

/** Three gossip rounds: peers that start together are planned together. */
const QUIET_MS = 400
/**
 * News that never ends must not keep a swarm from its first plan, nor a peer that is still measuring: it
 * takes a second, and a plan without it would load layers only to move them.
 */
const STIR_MAX_MS = 3000

export interface PlanWatchOptions {
  facts: ModelFacts
  arithmeticVersion: number
  /** Of the peers that are alive, this one included. */
  records: () => PeerRecord[]
  clock: Clock
  /** Called when the plan is another than before. */
  onPlan: (plan: Plan) => void
}

export class PlanWatch {
  readonly #options: PlanWatchOptions
  #plan: Plan | null = null
  #timer: Timer | null = null
  #stirredMs: number | null = null
  #isClosed = false

  constructor(options: PlanWatchOptions) {
    this.#options = options
  }

  /** Null until the first one is computed. */
  get plan(): Plan | null {
    return this.#plan
  }

  /** Whether a session could run now, by the newest plan and records; null before the first plan. */
  readiness(): Readiness | null {
    const { facts, arithmeticVersion, records } = this.#options
    return this.#plan && readiness(facts, arithmeticVersion, this.#plan, records())
  }

  /** Something is new: plans once it is quiet. */
  stir(): void {
    if (this.#isClosed) return
    const nowMs = this.#options.clock.now()
    this.#stirredMs ??= nowMs
    const delayMs = Math.min(QUIET_MS, Math.max(0, this.#stirredMs + STIR_MAX_MS - nowMs))
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#compute())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #compute(): void {
    const { facts, arithmeticVersion, records, clock, onPlan } = this.#options
    const isLate = clock.now() - (this.#stirredMs ?? 0) >= STIR_MAX_MS
    const unmeasured = records().filter(({ model, profile }) => model?.id === facts.id && !profile)
    if (unmeasured.length > 0 && !isLate) return this.stir()
    this.#stirredMs = null
    const plan = computePlan(createView(facts, arithmeticVersion, records()))
    const isNew = plan.hash !== this.#plan?.hash
    this.#plan = plan
    if (isNew) onPlan(plan)
  }
}
