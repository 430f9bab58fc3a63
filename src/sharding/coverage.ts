// Flow C, from plan to reality: which layers are held now, by whom, and whether a session could run.
// Reads what peers say they hold; a peer that does not hold what it said answers STAGE_NOT_LOADED.

import { containsAll, formatRanges, isLayerRange, type LayerRange } from '../model/layer-range.ts'
import { shortId } from '../wire/ids.ts'
import { shortestCover, type Span } from './cover.ts'

import type { PeerRecord } from '../wire/record.ts'
import type { RouteStage } from '../wire/session.ts'
import type { ModelFacts } from './facts.ts'
import type { Plan } from './plan.ts'

export interface Readiness {
  /** ready: a session can run now; loading: it will be able to; gap: somebody must join. */
  state: 'ready' | 'loading' | 'gap'
  /** Stages that are held now, covering all layers when ready: the plan's own wherever possible. */
  stages: RouteStage[]
  /** Whether every stage of the plan is held where the plan wants it. */
  asPlanned: boolean
  /** Layers that nobody holds now. */
  missing: LayerRange[]
  /** One sentence for the user. */
  text: string
}

/**
 * Whether a session can run, and over whom. The plan is advice: while its layers still load, any
 * peers that hold all layers between them serve.
 * @param records of the peers that are within reach, this one included; others than of this model and
 *   arithmetic are ignored.
 */
export function readiness(
  model: ModelFacts,
  arithmeticVersion: number,
  plan: Plan,
  records: Iterable<PeerRecord>
): Readiness {
  const usable = usableOf(model, arithmeticVersion, records)
  // Of a peer that claims layers which the model has not, the others are no less a claim.
  const heldOf = new Map(
    usable.map(({ key, held }) => [key, held.filter((one) => isLayerRange(one, model.nLayers))])
  )
  const isHeld = (stage: RouteStage) => containsAll(heldOf.get(stage.peer) ?? [], [stage])
  const asPlanned = plan.stages.length > 0 && plan.stages.every(isHeld)
  if (asPlanned) {
    const text = 'ready as planned'
    return { state: 'ready', stages: plan.stages, asPlanned, missing: [], text }
  }
  const spans = [...heldOf].flatMap(([peer, held]) => held.map((one) => ({ peer, ...one })))
  const { stages, missing } = shortestCover(model.nLayers, spans, ({ end }) => end, true)
  if (missing.length === 0) {
    const text = 'ready with the layers held so far; the planned ones are loading'
    return { state: 'ready', stages, asPlanned, missing, text }
  }
  if (plan.stages.length === 0) {
    const text = `no peer has room for layers ${formatRanges(plan.gap)}: let another machine join`
    return { state: 'gap', stages, asPlanned, missing, text }
  }
  const waiting = plan.stages.filter((stage) => !isHeld(stage)).map(({ peer }) => peer)
  const percent = new Map(usable.map(({ key, loading }) => [key, loading?.percent ?? 0]))
  const who = waiting.map((peer) => {
    const loaded = percent.get(peer)
    return `${shortId(peer)} (${loaded === undefined ? 'out of reach' : `${loaded} % loaded`})`
  })
  const text = `layers ${formatRanges(missing)} are awaited from ${who.join(', ')}`
  return { state: 'loading', stages, asPlanned, missing, text }
}

/** What peers of this model and arithmetic say they hold; records as of readiness. */
export function heldSpans(
  model: ModelFacts,
  arithmeticVersion: number,
  records: Iterable<PeerRecord>
): Span[] {
  return usableOf(model, arithmeticVersion, records).flatMap(({ key, held }) =>
    held.filter((one) => isLayerRange(one, model.nLayers)).map((one) => ({ peer: key, ...one }))
  )
}

function usableOf(
  model: ModelFacts,
  arithmeticVersion: number,
  records: Iterable<PeerRecord>
): PeerRecord[] {
  return [...records].filter(
    (record) =>
      !record.left &&
      record.model?.id === model.id &&
      record.arithmeticVersion === arithmeticVersion
  )
}
