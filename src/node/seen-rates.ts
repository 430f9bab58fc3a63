// Flow C, from what an answer cost to how fast its stages read weights: bytes of a stage's layers over the
// time it says it computed for one token. Pure. A stage that lies about that time is not found out here
// (docs/planning.md); one whose claim is of better days is. A stage that reads layers from disk tells how
// fast its disk is and nothing of its memory, which is what is told here.

import { capacityKiB, createCosts, holdingKiB } from '../sharding/cost.ts'
import { toPeerId, type PeerId } from '../wire/ids.ts'

import type { View } from '../sharding/facts.ts'
import type { GenerateResult } from '../wire/generation.ts'

/** Fewer bytes per token say more about what each step costs besides. */
const STAGE_KIB_MIN = 64 * 1024
/** Tokens of an answer that count: the first ones find caches and clocks cold. */
const TOKENS_MIN = 8

export interface SeenRate {
  peer: PeerId
  /** Whole MiB of weights per second, at least 1. */
  mibps: number
}

/**
 * Of each stage of one answer; none where it was too short, or the stage too small, of a stranger or from
 * disk, so that it cannot tell.
 */
export function seenRates(
  { model, peers, usual }: View,
  { ids, timing }: Pick<GenerateResult, 'ids' | 'timing'>
): SeenRate[] {
  const nSteps = ids.length - 1
  if (nSteps < TOKENS_MIN) return []
  // Stages are read from disk only where not even the usual reserve leaves them room.
  const costs = createCosts({ ...model, ...usual })
  return timing.perHop.flatMap(({ peer, start, end, computeMs }) => {
    if (end > model.nLayers || computeMs <= 0) return []
    const one = peers.find(({ key }) => key === peer)
    if (one === undefined || !costs.fits(one, start, end)) return []
    if (holdingKiB(costs, one.held ?? []) > capacityKiB(one)) return []
    const readKiB = costs.activeKiB(start, end)
    if (readKiB < STAGE_KIB_MIN) return []
    return [
      {
        peer: toPeerId(peer),
        mibps: Math.max(1, Math.floor((readKiB * nSteps) / 1.024 / computeMs))
      }
    ]
  })
}
