// Flow C, before a byte of weights is read: which layers of what a machine is to hold stay on disk, where
// its memory does not suffice for all. Whether it suffices is room.ts's, which layers those are is
// sharding/streamed-layers.ts's, so that a plan counts with the very layers that are read from disk. Pure.

import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'
import { layerAt, subtract, type LayerRange } from '../model/layer-range.ts'
import { createCosts } from '../sharding/cost.ts'
import { streamedLayers } from '../sharding/streamed-layers.ts'
import { checkLoad, checkRoom, type Room } from './room.ts'

import type { Stage } from '../compute/stage.ts'
import type { ModelFacts } from '../sharding/facts.ts'

/**
 * For this machine alone, with a context of `facts.contextTokens` positions.
 * @returns layers that stay on disk, ascending.
 * @throws NATIVE_OUT_OF_MEMORY, which says what would fit.
 */
export function arrangeAlone(facts: ModelFacts, freeBytes: number): number[] {
  const whole = { start: 0, end: facts.nLayers }
  return fromDisk(facts, [whole], freeBytes, () => checkRoom(facts, freeBytes))
}

/**
 * For a peer of a swarm, beside what its stage holds now.
 * @param ranges in normal form.
 * @param mayStream whether they may be read from disk in part.
 * @returns layers that stay on disk, ascending.
 * @throws NATIVE_OUT_OF_MEMORY
 */
export function arrange(
  facts: ModelFacts,
  stage: Pick<Stage, 'held' | 'onDisk' | 'weightBytes' | 'kvBytes'>,
  ranges: readonly LayerRange[],
  room: Room,
  mayStream: boolean
): number[] {
  const resident = subtract(stage.held, stage.onDisk.map(layerAt))
  const check = () => checkLoad(facts, resident, ranges, room)
  // By the claim alone, as plans do: memory that others have taken since is a reason to wait for it.
  const isFree = room.claimedBytes <= room.freeBytes + stage.weightBytes + stage.kvBytes
  return fromDisk(facts, mayStream && isFree ? ranges : [], room.claimedBytes, check)
}

/** What a user should know of it; null: nothing. */
export function onDiskText(facts: ModelFacts, onDisk: readonly number[]): string | null {
  if (onDisk.length === 0) return null
  const readKiB = onDisk.reduce((sum, layer) => sum + (facts.activeKiB[layer] ?? 0), 0)
  return (
    `memory does not suffice: ${onDisk.length} of ${facts.nLayers} layers, ` +
    `${formatSize(readKiB * 1024)}, are read from disk for each token`
  )
}

/** None where the check says nothing; what it says where that many layers on disk are not enough either. */
function fromDisk(
  facts: ModelFacts,
  ranges: readonly LayerRange[],
  sizeBytes: number,
  check: () => void
): number[] {
  try {
    check()
    return []
  } catch (error) {
    const isRoom = error instanceof SwarmError && error.code === 'NATIVE_OUT_OF_MEMORY'
    if (!isRoom || ranges.length === 0) throw error
    const layers = streamedLayers(createCosts(facts), Math.floor(sizeBytes / 1024), ...ranges)
    if (layers === null || layers.length === 0) throw error
    return layers
  }
}
