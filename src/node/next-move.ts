// Flow C, the next change of what a machine holds on its way to what the plan wants of it. Pure; decides
// the order and what must go, layer-keeper.ts does it. First its own stages, beside what is held where that
// fits: sessions go on there until all peers have their stages. Then standbys, then what nobody wants goes.

import { HELD_RANGES_MAX } from '../base/limits.ts'
import {
  containsAll,
  intersect,
  normalise,
  subtract,
  union,
  type LayerRange
} from '../model/layer-range.ts'

import type { Plan } from '../sharding/plan.ts'
import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'

/** What a peer is to hold. */
export interface Aim {
  /** Its own stages, in normal form. */
  readonly own: readonly LayerRange[]
  /** How many parts of its layers are read from disk for each token, where it is held as planned. */
  readonly onDisk: number
  /** Layers of other peers' stages, to have them when those go. */
  readonly standbys: readonly LayerRange[]
  /** Whether every stage of the plan is held: until then nothing goes without need, no standby comes. */
  readonly isSettled: boolean
}

export interface Move {
  /** Everything that is held after it, in normal form. */
  readonly ranges: LayerRange[]
  /** What it is for; none where layers only go. */
  readonly wanted: readonly LayerRange[]
  readonly isStandby: boolean
}

export const NO_AIM: Aim = { own: [], onDisk: 0, standbys: [], isSettled: false }

/** What a plan gives one peer to hold; as many ranges as its record has room for. */
export function aimOf(plan: Plan, self: PeerId, isSettled: boolean): Aim {
  const ownOf = (all: readonly RouteStage[]) =>
    all.filter(({ peer }) => peer === self).map(({ start, end }) => ({ start, end }))
  const own = normalise(ownOf(plan.stages))
  const onDisk = plan.streamed.find(({ peer }) => peer === self)?.parts ?? 0
  const standbys = ownOf(plan.standbys).slice(0, Math.max(0, HELD_RANGES_MAX - own.length))
  return { own, onDisk, standbys, isSettled }
}

/**
 * @param held in normal form.
 * @param before of what is held, the stages that the peer had so far.
 * @param hasRoom whether this machine can hold such layers, in normal form.
 * @returns null when there is nothing to do, or nothing that there is room for. Own stages for which
 *   there is no room are tried all the same, so that whoever does it learns why.
 */
export function nextMove(
  aim: Aim,
  held: readonly LayerRange[],
  before: readonly LayerRange[],
  hasRoom: (ranges: LayerRange[]) => boolean
): Move | null {
  const { own } = aim
  if (!containsAll(held, own)) {
    // Standbys go first, then what it served so far.
    const keeps = [[...held], intersect(held, union(own, before)), intersect(held, own)]
    const choices = keeps.map((keep) => union(keep, own))
    const ranges = choices.find(hasRoom) ?? [...own]
    return { ranges, wanted: own, isStandby: false }
  }
  if (!aim.isSettled) return null
  const wanted = wantedBy(aim)
  for (const range of aim.standbys) {
    if (containsAll(held, [range])) continue
    const keeps = [[...held], intersect(held, wanted)]
    const ranges = keeps.map((keep) => union(keep, [range])).find(hasRoom)
    if (ranges !== undefined) return { ranges, wanted: [range], isStandby: true }
  }
  if (subtract(held, wanted).length === 0) return null
  return { ranges: intersect(held, wanted), wanted: [], isStandby: false }
}

/** Every layer that an aim asks for, in normal form. */
export function wantedBy({ own, standbys }: Aim): LayerRange[] {
  return union(own, standbys)
}
