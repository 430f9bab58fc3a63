// Flow C, what a token takes in the stages of a peer that reads from disk what its memory does not hold: the
// disk reads ahead while other stages compute and reads the rest during the stage's own turn. Nearly, because
// each stage is looked at alone. Pure; what is read is streamed-parts.ts's.

import { capacityKiB, diskPriceOf, type Costs } from './cost.ts'
import { floorDiv } from './integer.ts'
import { StageTicks } from './stage-ticks.ts'
import { LAYERS_AHEAD, type Streams } from './streamed-parts.ts'

import type { ViewPeer } from './facts.ts'

/**
 * @param costs of memory.
 * @param peer one with a disk.
 */
export function streamedStages(costs: Costs, streams: Streams, peer: ViewPeer): StageTicks {
  const inMemory = costs.stages(peer)
  const roomKiB = capacityKiB(peer)
  const diskPrice = diskPriceOf(peer)
  const idle = idleTicks(costs, inMemory)
  const withReading = (start: number, end: number, readKiB: number) => {
    const computeTicks = inMemory.of(start, end)
    if (readKiB <= 0) return computeTicks
    return Math.max(computeTicks, (idle[end - 1] as number) + readKiB * diskPrice)
  }
  return new StageTicks(
    costs.nLayers,
    false,
    // Of layers that are streamed there are two at least, so some of them are read in its turn.
    (start, end) => withReading(start, end, streams.readKiB(roomKiB, start, end, LAYERS_AHEAD)),
    // What is streamed makes room for the excess and for its largest layer, and all but one of it is read in
    // the stage's turn.
    (start, end) => withReading(start, end, costs.residentKiB(start, end) - roomKiB)
  )
}

/**
 * (nLayers,) of a stage that ends with this layer, while its disk stands still. Before a part of the first
 * layer was computed there is no place to read into, and once the last was read a part of it is to be
 * computed, and the head: half a layer in all.
 */
function idleTicks({ model, nLayers, activeKiB }: Costs, inMemory: StageTicks): Float64Array {
  const idle = new Float64Array(nLayers)
  for (let layer = 0; layer < nLayers; layer++) {
    const ticks = inMemory.of(layer, layer + 1)
    const readKiB = Math.max(1, activeKiB(layer, layer + 1))
    idle[layer] = ticks - floorDiv(ticks, 2 * readKiB) * (model.activeKiB[layer] as number)
  }
  return idle
}
