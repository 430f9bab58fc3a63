// Flow B, recovery: another route for a session that lost a stage in mid-answer. Every stage that still
// works stays as it is, because its keys and values are there; only the layers of the lost ones go to
// others, to those first that wait for them as standbys. What a plan of today would do better does not
// count until the next session. Pure; which peers are within reach now is given.

import { SwarmError } from '../base/errors.ts'
import { ROUTE_STAGES_MAX } from '../base/limits.ts'
import { contains, formatRange, type LayerRange } from '../model/layer-range.ts'
import { shortestCover, type Cover, type Span } from '../sharding/cover.ts'

import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Route } from './route.ts'

/**
 * @param spans that peers within reach hold now, of this model; a peer may have several.
 * @param standbys as the plan names them.
 * @param avoided peers that are taken only where there is no other way.
 * @throws PLAN_GAP naming the layers that nobody else holds.
 */
export function repairRoute(
  route: Route,
  spans: readonly Span[],
  standbys: readonly RouteStage[],
  avoided: ReadonlySet<PeerId>
): Route {
  const usable = spans.filter(({ peer }) => !avoided.has(peer))
  const { stages, missing } = repaired(route.stages, usable, standbys)
  if (missing.length === 0) return checked({ ...route, stages })
  const all = repaired(route.stages, spans, standbys)
  if (all.missing.length === 0) return checked({ ...route, stages: all.stages })
  const layers = all.missing.map(formatRange).join(', ')
  const text = `layers ${layers} are held by no peer within reach now: the answer goes on when one is back`
  throw new SwarmError('PLAN_GAP', text)
}

function repaired(
  stages: readonly RouteStage[],
  spans: readonly Span[],
  standbys: readonly RouteStage[]
): { stages: RouteStage[]; missing: LayerRange[] } {
  const repaired: RouteStage[] = []
  const missing: LayerRange[] = []
  for (const stage of stages) {
    const isHeld = (span: Span) => span.peer === stage.peer && contains(span, stage)
    if (spans.some(isHeld)) {
      repaired.push(stage)
      continue
    }
    const gap = { start: stage.start, end: stage.end }
    const able = spans.filter((span) => contains(span, gap))
    const isStandby = ({ peer }: Span) =>
      standbys.some((standby) => standby.peer === peer && contains(standby, gap))
    const isIdle = ({ peer }: Span) => !stages.some((other) => other.peer === peer)
    const whole = able.find(isStandby) ?? able.find(isIdle) ?? able[0]
    if (whole !== undefined) repaired.push({ peer: whole.peer, ...gap })
    else {
      const cover = coverOf(gap, spans)
      repaired.push(...cover.stages)
      missing.push(...cover.missing)
    }
  }
  return { stages: repaired, missing }
}

/** Several peers for the layers of one; `missing` are those that nobody has. */
export function coverOf(gap: LayerRange, spans: readonly Span[]): Cover {
  const clipped = spans.flatMap((span) => {
    const start = Math.max(span.start, gap.start) - gap.start
    const end = Math.min(span.end, gap.end) - gap.start
    return start < end ? [{ peer: span.peer, start, end }] : []
  })
  const { stages, missing } = shortestCover(gap.end - gap.start, clipped, ({ end }) => end, true)
  const back = <T extends LayerRange>(range: T): T => {
    return { ...range, start: range.start + gap.start, end: range.end + gap.start }
  }
  return { stages: stages.map(back), missing: missing.map(back) }
}

function checked(route: Route): Route {
  if (route.stages.length <= ROUTE_STAGES_MAX) return route
  throw new SwarmError(
    'PLAN_GAP',
    `the only other route has ${route.stages.length} stages: too many`
  )
}
