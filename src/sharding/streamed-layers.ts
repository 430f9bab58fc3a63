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
  const sizesKiB = costs.model.layerKiB.slice(start, end)
  const largestKiB = Math.max(...sizesKiB)
  const wholeKiB = sizesKiB.reduce((sum, sizeKiB) => sum + sizeKiB, 0)
  // With all of them through the slots; of one layer or two nothing is gained.
  if (wholeKiB - SLOTS * largestKiB < excessKiB) return null
  // None is larger than the largest, so fewer than these cannot be enough.
  for (let count = SLOTS + ceilDiv(excessKiB, largestKiB); ; count++) {
    const layers = spread(count, end - start)
    const streamedKiB = layers.map((layer) => sizesKiB[layer] as number)
    const gainKiB = streamedKiB.reduce((sum, sizeKiB) => sum + sizeKiB, 0)
    if (gainKiB - SLOTS * Math.max(...streamedKiB) >= excessKiB) {
      return layers.map((layer) => start + layer)
    }
  }
}

/** So many of [0, nLayers), at least two, from the first to the last. */
function spread(count: number, nLayers: number): number[] {
  return Array.from({ length: count }, (_, i) => floorDiv(i * (nLayers - 1), count - 1))
}
