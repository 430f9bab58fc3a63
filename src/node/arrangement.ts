// Flow C, before a byte of weights is read: which parts of what a machine is to hold stay on disk, where its
// memory does not suffice for all. Whether it does is room.ts's, which they are sharding/streamed-parts.ts's,
// so that a plan counts with the very parts that are read from disk. Pure.

import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'
import { LAYER_PARTS, layersOf } from '../model/layer-part.ts'
import { layerAt, subtract, type LayerRange } from '../model/layer-range.ts'
import { createCosts } from '../sharding/cost.ts'
import { partSizes, type ModelFacts } from '../sharding/facts.ts'
import { streamedParts, sumOfParts } from '../sharding/streamed-parts.ts'
import { checkLoad, checkRoom, type Room } from './room.ts'

import type { Stage } from '../compute/stage.ts'

/**
 * For this machine alone, with a context of `facts.contextTokens` positions.
 * @returns parts of layers (model/layer-part.ts) that stay on disk, ascending.
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
 * @returns parts of layers (model/layer-part.ts) that stay on disk, ascending.
 * @throws NATIVE_OUT_OF_MEMORY
 */
export function arrange(
  facts: ModelFacts,
  stage: Pick<Stage, 'held' | 'onDisk' | 'weightBytes' | 'kvBytes'>,
  ranges: readonly LayerRange[],
  room: Room,
  mayStream: boolean
): number[] {
  const resident = subtract(stage.held, layersOf(stage.onDisk).map(layerAt))
  const check = () => checkLoad(facts, resident, ranges, room)
  // By the claim alone, as plans do: memory that others have taken since is a reason to wait for it.
  const isFree = room.claimedBytes <= room.freeBytes + stage.weightBytes + stage.kvBytes
  return fromDisk(facts, mayStream && isFree ? ranges : [], room.claimedBytes, check)
}

/** What a user should know of it; null: nothing. */
export function onDiskText(facts: ModelFacts, onDisk: readonly number[]): string | null {
  if (onDisk.length === 0) return null
  const size = formatSize(sumOfParts(partSizes(facts), onDisk) * 1024)
  const layers = layersOf(onDisk).length
  const parts = onDisk.length === LAYER_PARTS * layers ? '' : 'parts of '
  return (
    `memory does not suffice: ${parts}${layers} of ${facts.nLayers} layers, ` +
    `${size}, are read from disk for each token`
  )
}

/** None where the check says nothing; what it says where all of them on disk are not enough either. */
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
    const parts = streamedParts(createCosts(facts), Math.floor(sizeBytes / 1024), ...ranges)
    if (parts === null || parts.length === 0) throw error
    return parts
  }
}
