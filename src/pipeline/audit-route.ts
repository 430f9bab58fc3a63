// Flow B, audit: a second route for the same layers, on which no stage is the peer that is to be checked.
// A peer of the answer's own route checks none of the others either: it would know which wrong bits to
// repeat. The origin's own machine may, and is asked first, since it is the one machine that the user
// trusts anyway; for the same reason its own stages need no check. Pure.

import { contains } from '../model/layer-range.ts'
import { coverOf } from './repair-route.ts'

import type { Span } from '../sharding/cover.ts'
import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Route } from './route.ts'

export interface CheckRoute {
  route: Route
  /** Stages of the answer's route that nobody else can compute: they are on both. */
  unchecked: RouteStage[]
  /** Peers that compute a second time. */
  checkers: PeerId[]
}

/**
 * @param spans that peers within reach hold now, of this model.
 * @param self the origin.
 * @param excluded peers that check nothing.
 */
export function checkRoute(
  route: Route,
  spans: readonly Span[],
  self: PeerId,
  excluded: ReadonlySet<PeerId>
): CheckRoute {
  const isOnRoute = (peer: PeerId) => route.stages.some((stage) => stage.peer === peer)
  const able = spans.filter(({ peer }) => {
    return !excluded.has(peer) && (peer === self || !isOnRoute(peer))
  })
  const own = able.filter(({ peer }) => peer === self)
  const unchecked: RouteStage[] = []
  const stages = route.stages.flatMap((stage) => {
    if (stage.peer === self) return [stage]
    const { start, end } = stage
    const isWhole = (span: Span) => contains(span, stage)
    const whole = own.find(isWhole) ?? able.find(isWhole)
    if (whole !== undefined) return [{ peer: whole.peer, start, end }]
    const cover = coverOf({ start, end }, able)
    if (cover.missing.length === 0) return cover.stages
    unchecked.push(stage)
    return [stage]
  })
  const added = stages.filter((stage) => !route.stages.includes(stage))
  const checkers = new Set(added.map(({ peer }) => peer))
  return { route: { ...route, stages }, unchecked, checkers: [...checkers] }
}
