// Views whose layers are all of one size, for tests that say what comes out to the layer.

import { seededRandom } from '../../src/base/random.ts'
import { keyOf, randomModel } from './views.ts'

import type { ModelFacts, ViewPeer } from '../../src/sharding/facts.ts'

/** KiB of each layer: 100 MiB. */
export const LAYER_KIB = 102_400

/** So many layers, and nothing else unless it is given. */
export function evenModel(nLayers: number, changes: Partial<ModelFacts> = {}): ModelFacts {
  const layerKiB = Array.from({ length: nLayers }, () => LAYER_KIB)
  return {
    ...randomModel(seededRandom(1), 1),
    nLayers,
    layerKiB,
    activeKiB: layerKiB,
    embeddingKiB: 0,
    headKiB: 0,
    tied: false,
    kvBytesPerToken: 0,
    ...changes
  }
}

/** With room for so many layers, and a disk a tenth as fast as memory. */
export function evenPeer(digit: string, layers: number, changes: Partial<ViewPeer> = {}): ViewPeer {
  const rates = { weightMiBps: 20_000, diskMiBps: 2000, int8Mops: 100_000 }
  return { key: keyOf(digit), memoryKiB: layers * LAYER_KIB, ...rates, pin: null, ...changes }
}
