// Flow C, what each peer is worth to the others: VoC = (tokens/s of the plan with it - best plan without
// it) / the former. Owns the plans without one peer, computed one at a time and kept until the view is
// another one. A figure is an estimate until routes of both plans have been measured.

import { computePlan, type Plan } from '../sharding/plan.ts'
import { plannedRate } from './top-figures.ts'

import type { Clock } from '../base/clock.ts'
import type { View } from '../sharding/facts.ts'
import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Figure } from '../wire/top.ts'

/**
 * At most one plan per period: in a large topic a plan takes a quarter of a second, in which no token is
 * sent on. Longer would show figures later, a quarter of an hour for sixty peers at fifteen seconds.
 */
const PLAN_PERIOD_MS = 1000

export class VocTable {
  readonly #clock: Clock
  #viewHash = ''
  #without = new Map<PeerId, Plan>()
  #plannedMs = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * What is known now of the peers that the plan uses; the rest comes with later calls. A peer that the
   * plan leaves out is worth nothing to it.
   * @param plan of this view.
   * @param measured tokens/s that a route has reached; null when none was tried.
   */
  of(
    view: View,
    plan: Plan,
    measured: (stages: readonly RouteStage[]) => number | null
  ): Map<PeerId, Figure> {
    if (plan.viewHash !== this.#viewHash) {
      this.#viewHash = plan.viewHash
      this.#without = new Map()
    }
    const used = plan.stages.map(({ peer }) => peer)
    const next = used.find((peer) => !this.#without.has(peer))
    if (next !== undefined && this.#clock.now() - this.#plannedMs >= PLAN_PERIOD_MS) {
      const peers = view.peers.filter(({ key }) => key !== next)
      this.#without.set(next, computePlan({ model: view.model, peers }))
      this.#plannedMs = this.#clock.now()
    }
    const figures = new Map<PeerId, Figure>()
    for (const { peer } of plan.leftOut) figures.set(peer, { value: 0, isEstimate: true })
    for (const peer of used) {
      const without = this.#without.get(peer)
      if (without !== undefined) figures.set(peer, vocOf(plan, without, measured))
    }
    return figures
  }
}

/** Pure. Measured figures of one plan are not mixed with predicted ones of the other. */
export function vocOf(
  plan: Plan,
  without: Plan,
  measured: (stages: readonly RouteStage[]) => number | null
): Figure {
  const own = measured(plan.stages)
  const other = without.stages.length === 0 ? 0 : measured(without.stages)
  if (own !== null && other !== null && own > 0)
    return { value: (own - other) / own, isEstimate: false }
  const predicted = plannedRate(plan)
  if (predicted <= 0) return { value: 0, isEstimate: true }
  return { value: (predicted - plannedRate(without)) / predicted, isEstimate: true }
}
