// Flow C, from plan to reality: which layers are held now, by whom, and whether a session could run.
// Reads what peers say they hold; a peer that does not hold what it said answers STAGE_NOT_LOADED.

import { contains, formatRange, type LayerRange } from '../model/layer-range.ts'
import { shortId } from '../wire/ids.ts'
import { shortestCover } from './cover.ts'
import { compareText } from './integer.ts'

import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord } from '../wire/record.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Plan } from './plan.ts'
import type { ModelFacts } from './view.ts'

export interface Readiness {
  /** ready: a session can run now; loading: it will be able to; gap: somebody must join. */
  state: 'ready' | 'loading' | 'gap'
  /** Stages that are held now, covering all layers when ready: the plan's own wherever possible. */
  stages: RouteStage[]
  /** Layers that nobody holds now. */
  missing: LayerRange[]
  /** One sentence for the user. */
  text: string
}

/** Peers that hold each layer now; (nLayers,) keys in order. */
export function holdersOf(nLayers: number, records: Iterable<PeerRecord>): PeerId[][] {
  const holders: PeerId[][] = Array.from({ length: nLayers }, () => [])
  for (const record of [...records].toSorted((a, b) => compareText(a.key, b.key))) {
    const { start = 0, end = 0 } = record.held ?? {}
    for (let layer = start; layer < Math.min(end, nLayers); layer++) {
      holders[layer]?.push(record.key)
    }
  }
  return holders
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
  const usable = [...records].filter(
    (record) =>
      !record.left &&
      record.model?.id === model.id &&
      record.arithmeticVersion === arithmeticVersion
  )
  const held = new Map(usable.map(({ key, held }) => [key, held]))
  const isHeld = (stage: RouteStage) => {
    const range = held.get(stage.peer)
    return range !== undefined && range !== null && contains(range, stage)
  }
  if (plan.stages.length > 0 && plan.stages.every(isHeld)) {
    return { state: 'ready', stages: plan.stages, missing: [], text: 'ready as planned' }
  }
  const spans = usable.flatMap(({ key, held }) => (held === null ? [] : [{ peer: key, ...held }]))
  const { stages, missing } = shortestCover(model.nLayers, spans)
  if (missing.length === 0) {
    const text = 'ready with the layers held so far; the planned ones are loading'
    return { state: 'ready', stages, missing, text }
  }
  if (plan.stages.length === 0) {
    const text = `no peer has room for layers ${list(plan.gap)}: let another machine join`
    return { state: 'gap', stages, missing, text }
  }
  const waiting = plan.stages.filter((stage) => !isHeld(stage)).map(({ peer }) => peer)
  const percent = new Map(usable.map(({ key, loading }) => [key, loading?.percent ?? 0]))
  const who = waiting.map((peer) => {
    const loaded = percent.get(peer)
    return `${shortId(peer)} (${loaded === undefined ? 'out of reach' : `${loaded} % loaded`})`
  })
  const text = `layers ${list(missing)} are awaited from ${who.join(', ')}`
  return { state: 'loading', stages, missing, text }
}

function list(ranges: LayerRange[]): string {
  return ranges.map(formatRange).join(', ')
}
