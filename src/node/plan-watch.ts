// Flow C, when to plan: news that a plan would be made of stirs, and once it has been quiet for a moment
// the plan is computed anew. Owns the newest plan of this peer. What a plan is made of is sharding/'s;
// what follows from one is layer-keeper.ts's.

import { readiness, type Readiness } from '../sharding/coverage.ts'
import { computePlan, type Plan } from '../sharding/plan.ts'
import { createView, viewHash } from '../sharding/view.ts'

import type { Clock, Timer } from '../base/clock.ts'
import type { ModelFacts, View } from '../sharding/facts.ts'
import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord } from '../wire/record.ts'

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
  /** Of the peers that are present, this one included: plans are made of them. */
  records: () => PeerRecord[]
  /** Of those that a session could use now. A peer that was just lost counts as present for a while. */
  reachable: () => PeerRecord[]
  /** Whether this peer itself is still being measured: it makes no plan without itself. */
  isMeasuring: () => boolean
  /** Whether one of its links was just made and is still being measured: that is waited for, for a while. */
  isSettling: () => boolean
  clock: Clock
  /** Called when the plan is another than before. */
  onPlan: (plan: Plan) => void
}

export class PlanWatch {
  readonly #options: PlanWatchOptions
  #plan: Plan | null = null
  #timer: Timer | null = null
  /** What a plan was last stirred for. */
  #news = ''
  #stirredMs: number | null = null
  /** Peers that were not measured in time: maybe they cannot compute. Later plans do not wait. */
  #givenUp = new Set<PeerId>()
  #isSettled = false
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
    const { facts, arithmeticVersion, reachable } = this.#options
    return this.#plan && readiness(facts, arithmeticVersion, this.#plan, reachable())
  }

  /**
   * Whether every stage of the newest plan has been held, now or before: what only was to bridge the time
   * until then is needed no more, even if a peer is lost later.
   */
  isSettled(): boolean {
    this.#isSettled ||= this.readiness()?.asPlanned === true
    return this.#isSettled
  }

  /** What a plan would be computed from now. */
  view(): View {
    const { facts, arithmeticVersion, records } = this.#options
    return createView(facts, arithmeticVersion, records())
  }

  /** Something is new: plans once it is quiet, if the plan could be another one. */
  stir(): void {
    if (this.#isClosed) return
    // Layers that load and links that come are news, several times a second, and change no plan.
    const news = [viewHash(this.view()), ...this.#unmeasured()].join()
    if (news === this.#news) return
    this.#news = news
    this.#arm()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #arm(): void {
    const nowMs = this.#options.clock.now()
    this.#stirredMs ??= nowMs
    const delayMs = Math.min(QUIET_MS, Math.max(0, this.#stirredMs + STIR_MAX_MS - nowMs))
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(delayMs, () => this.#compute())
  }

  #compute(): void {
    const { clock, isMeasuring, isSettling, onPlan } = this.#options
    const isLate = clock.now() - (this.#stirredMs ?? 0) >= STIR_MAX_MS
    const unmeasured = this.#unmeasured()
    if (isMeasuring()) {
      // Its end stirs anew, whether it brings a profile or not.
      this.#news = ''
      this.#stirredMs = null
      return
    }
    if ((unmeasured.length > 0 || isSettling()) && !isLate) return this.#arm()
    for (const peer of unmeasured) this.#givenUp.add(peer)
    this.#stirredMs = null
    const plan = computePlan(this.view())
    const isNew = plan.hash !== this.#plan?.hash
    this.#plan = plan
    if (!isNew) return
    this.#isSettled = false
    onPlan(plan)
  }

  /** Peers of this model whose profile is still to come. */
  #unmeasured(): PeerId[] {
    const { facts, records } = this.#options
    const waiting = records().filter(({ model, profile }) => model?.id === facts.id && !profile)
    const keys = waiting.map(({ key }) => key).filter((key) => !this.#givenUp.has(key))
    return keys.toSorted()
  }
}
