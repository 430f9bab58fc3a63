// Flow C, which layers of a stage are read from disk for each pass where memory does not hold them all. What
// is read passes through two slots, each as large as the largest of these layers, so the slots would hold
// one or two of them for good: it is none or three at least. The plan counts with what is chosen here and a
// peer loads exactly that, so both agree. Pure and in whole numbers; what it costs is stream.ts's, reading is
// the stage's.

import { ceilDiv, floorDiv } from './integer.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { Costs } from './cost.ts'

/** One is computed while the next is read. */
export const SLOTS = 2

/**
 * As few as possible and spread evenly, the first and the last layer of the range among them: the disk can
 * go on as soon as the first was computed, and nothing but the last one waits for the end of its reading.
 * @param memoryKiB for weights, table and head, slots, and the keys and values of all layers.
 * @returns ascending; none where everything fits; null where not even the slots alone do.
 */
export function streamedLayers(
  costs: Pick<Costs, 'model' | 'residentKiB'>,
  memoryKiB: number,
  { start, end }: LayerRange
): number[] | null {
  const excessKiB = costs.residentKiB(start, end) - memoryKiB
  if (excessKiB <= 0) return []
  const { layerKiB } = costs.model
  let wholeKiB = 0
  let largestKiB = 0
  for (let layer = start; layer < end; layer++) {
    const sizeKiB = layerKiB[layer] as number
    wholeKiB += sizeKiB
    if (sizeKiB > largestKiB) largestKiB = sizeKiB
  }
  // With all of them through the slots; of one layer or two nothing is gained.
  if (wholeKiB - SLOTS * largestKiB < excessKiB) return null
  // None is larger than the largest, so fewer than these cannot be enough.
  let count = SLOTS + ceilDiv(excessKiB, largestKiB)
  let layers = spread(count, start, end)
  while (gainKiB(layerKiB, layers) < excessKiB) layers = spread(++count, start, end)
  return layers
}

/** What is left of the room of some layers once the slots are there. */
function gainKiB(layerKiB: readonly number[], layers: readonly number[]): number {
  let sumKiB = 0
  let largestKiB = 0
  for (const layer of layers) {
    const sizeKiB = layerKiB[layer] as number
    sumKiB += sizeKiB
    if (sizeKiB > largestKiB) largestKiB = sizeKiB
  }
  return sumKiB - SLOTS * largestKiB
}

/** So many layers of a range, two at least: the i-th lies floor(i * (length - 1) / (count - 1)) in. */
function spread(count: number, start: number, end: number): number[] {
  const gaps = count - 1
  const step = floorDiv(end - start - 1, gaps)
  const more = (end - start - 1) % gaps
  const layers: number[] = []
  let rest = 0
  for (let layer = start; layer < end; layer += step) {
    layers.push(layer)
    // Adding up is far cheaper than dividing, and plans ask for thousands of stages.
    rest += more
    if (rest >= gaps) {
      rest -= gaps
      layer += 1
    }
  }
  return layers
}
