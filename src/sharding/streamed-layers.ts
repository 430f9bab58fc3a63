// Flow C, which layers of a stage are read from disk for each pass where memory does not hold them all. What
// is read passes through the room of the largest of these layers, in which a single one would stay for good:
// it is none or two at least. The plan counts with what is chosen here and a peer loads exactly that, so both
// agree. Pure and in whole numbers; what it costs is stream.ts's, reading is the stage's.

import { holdingKiB } from './cost.ts'
import { floorDiv, prefixSums } from './integer.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { Costs } from './cost.ts'

/**
 * Layers that memory holds of those that are read, and that are read ahead: a part of one is read as soon as
 * the same part of the one before has been computed (native/stage/streamer.h).
 */
export const LAYERS_AHEAD = 1

export interface Streams {
  /** Whether the range fits into so much memory, from disk as far as need be. */
  fits(memoryKiB: number, range: LayerRange): boolean
  /**
   * Of ranges that a token passes one after the other as few as possible, spread evenly from the first layer
   * to the last: the disk can go on as soon as the first was computed, and only the last waits for its end.
   * @param memoryKiB for weights, table and head, what is read ahead, and the keys and values of all layers.
   * @returns ascending; none where everything fits; null where nothing does with all of them on disk.
   */
  layers(memoryKiB: number, ranges: readonly LayerRange[]): number[] | null
  /** Of these layers, but the first `ahead` of them; 0 where there are none. */
  readKiB(memoryKiB: number, range: LayerRange, ahead: number): number
}

/** Of one model: a plan asks about thousands of ranges. */
export function createStreams(costs: Costs): Streams {
  const { model, residentKiB } = costs
  const { layerKiB } = model
  const largestKiB = largestOf(layerKiB)
  const upToKiB = prefixSums(layerKiB)
  const mostKiB = prefixSums(layerKiB.toSorted((a, b) => b - a))
  const excessKiB = (memoryKiB: number, { start, end }: LayerRange) =>
    residentKiB(start, end) - memoryKiB
  /** With all of them on disk. */
  const gainMaxKiB = ({ start, end }: LayerRange) =>
    (upToKiB[end] as number) - (upToKiB[start] as number) - LAYERS_AHEAD * largestKiB(start, end)
  /** Of a range that memory does not hold, the fewest layers that make so much room beside the one ahead. */
  const fewest = (range: LayerRange, excess: number): Spread => {
    let spread = spreadOver(layerKiB, range, leastCount(mostKiB, excess))
    while (spread.sumKiB - LAYERS_AHEAD * spread.largestKiB < excess) {
      spread = spreadOver(layerKiB, range, spread.count + 1)
    }
    return spread
  }

  return {
    fits(memoryKiB, range) {
      const excess = excessKiB(memoryKiB, range)
      return excess <= 0 || gainMaxKiB(range) >= excess
    },
    layers(memoryKiB, ranges) {
      const excess = holdingKiB(costs, ranges) - memoryKiB
      if (excess <= 0) return []
      const all: number[] = []
      for (const { start, end } of ranges) for (let i = start; i < end; i++) all.push(i)
      const sizes = all.map((layer) => layerKiB[layer] as number)
      const whole = { start: 0, end: all.length }
      for (let count = leastCount(mostKiB, excess); count <= all.length; count++) {
        const { sumKiB, largestKiB } = spreadOver(sizes, whole, count)
        if (sumKiB - LAYERS_AHEAD * largestKiB < excess) continue
        return Array.from({ length: count }, (_, i) => all[layerAt(whole, count, i)] as number)
      }
      return null
    },
    readKiB(memoryKiB, range, ahead) {
      const excess = excessKiB(memoryKiB, range)
      if (excess <= 0 || gainMaxKiB(range) < excess) return 0
      const { count, sumKiB } = fewest(range, excess)
      let aheadKiB = 0
      for (let i = 0; i < ahead; i++) aheadKiB += layerKiB[layerAt(range, count, i)] as number
      return sumKiB - aheadKiB
    }
  }
}

/** As Streams.layers. */
export function streamedLayers(
  costs: Costs,
  memoryKiB: number,
  ...ranges: readonly LayerRange[]
): number[] | null {
  return createStreams(costs).layers(memoryKiB, ranges)
}

/**
 * Fewer layers cannot make so much room, whichever they are: the largest stays, which is no smaller than
 * their mean.
 * @param mostKiB of so many of the model's largest layers.
 */
function leastCount(mostKiB: readonly number[], excessKiB: number): number {
  let few = LAYERS_AHEAD
  let many = mostKiB.length - 1
  while (many - few > 1) {
    const count = (few + many) >> 1
    if ((mostKiB[count] as number) * (count - LAYERS_AHEAD) < excessKiB * count) few = count
    else many = count
  }
  return many
}

/** So many layers of a range, evenly from its first to its last. */
interface Spread {
  count: number
  sumKiB: number
  largestKiB: number
}

/** The i-th of so many, two at least. */
function layerAt({ start, end }: LayerRange, count: number, i: number): number {
  return start + floorDiv(i * (end - 1 - start), count - 1)
}

function spreadOver(
  layerKiB: readonly number[],
  { start, end }: LayerRange,
  count: number
): Spread {
  const gaps = count - 1
  const step = floorDiv(end - 1 - start, gaps)
  const more = (end - 1 - start) % gaps
  let sumKiB = 0
  let largestKiB = 0
  let rest = 0
  // The layers of layerAt: adding up is far cheaper than dividing, and plans ask for thousands of stages.
  for (let layer = start; layer < end; layer += step) {
    const sizeKiB = layerKiB[layer] as number
    sumKiB += sizeKiB
    if (sizeKiB > largestKiB) largestKiB = sizeKiB
    rest += more
    if (rest >= gaps) {
      rest -= gaps
      layer += 1
    }
  }
  return { count, sumKiB, largestKiB }
}

/** The largest value of [start, end), from those of lengths that are powers of two: two of them cover it. */
function largestOf(values: readonly number[]): (start: number, end: number) => number {
  const rows: number[][] = [[...values]]
  for (let size = 1; 2 * size <= values.length; size *= 2) {
    const row = rows.at(-1) as number[]
    const pairs = row.slice(size).map((value, i) => Math.max(value, row[i] as number))
    rows.push(pairs)
  }
  return (start, end) => {
    const power = 31 - Math.clz32(end - start)
    const row = rows[power] as number[]
    return Math.max(row[start] as number, row[end - 2 ** power] as number)
  }
}
