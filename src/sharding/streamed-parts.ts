// Flow C, what of a stage is read from disk for each pass where memory does not hold it all. Whoever has
// every layer reads parts of some (least-parts.ts); a stage among others whole layers: while a token is
// elsewhere its disk reads ahead, and the more room it reads into the less the next token waits. That is the
// room of the largest layer, in which a single one would stay for good: it is none or two at least. The plan
// counts with what is chosen here and a peer loads exactly that, so both agree. Pure and in whole numbers;
// what it costs is stream.ts's, reading is the stage's.

import { layerOf, partsOf, placeOf } from '../model/layer-part.ts'
import { layerCount, type LayerRange } from '../model/layer-range.ts'
import { holdingKiB } from './cost.ts'
import { floorDiv, prefixSums, spreadAt } from './integer.ts'
import { leastParts } from './least-parts.ts'

import type { Costs } from './cost.ts'
import type { PartSizes } from './facts.ts'

/**
 * Layers that memory holds of those that are read, and that are read ahead: a part of one is read as soon as
 * the same part of the one before has been computed (native/stage/streamer.h).
 */
export const LAYERS_AHEAD = 1

/** Of one model: a plan asks about thousands of ranges. */
export class Streams {
  readonly #costs: Costs
  readonly #layerKiB: readonly number[]
  readonly #largestKiB: (start: number, end: number) => number
  readonly #upToKiB: readonly number[]
  readonly #mostKiB: readonly number[]
  readonly #spread = new Spread()
  /** Of the whole model, by what is lacking: every peer is asked for its own again and again. */
  readonly #least = new Map<number, number[] | null>()

  constructor(costs: Costs) {
    const { layerKiB } = costs.model
    this.#costs = costs
    this.#layerKiB = layerKiB
    this.#largestKiB = largestOf(layerKiB)
    this.#upToKiB = prefixSums(layerKiB)
    this.#mostKiB = prefixSums(layerKiB.toSorted((a, b) => b - a))
  }

  /** Whether [start, end) fits into so much memory, from disk as far as need be. */
  fits(memoryKiB: number, start: number, end: number): boolean {
    const excessKiB = this.#costs.residentKiB(start, end) - memoryKiB
    return excessKiB <= 0 || this.#gainMaxKiB(start, end) >= excessKiB
  }

  /**
   * @param memoryKiB for weights, table and head, what is read ahead, and the keys and values of all layers.
   * @param ranges that a token passes one after the other.
   * @returns parts of layers (model/layer-part.ts), ascending; none where everything fits; null where nothing
   *   does with all of them on disk.
   */
  parts(memoryKiB: number, ranges: readonly LayerRange[]): number[] | null {
    const excessKiB = holdingKiB(this.#costs, ranges) - memoryKiB
    if (excessKiB <= 0) return []
    const nLayers = ranges.reduce((sum, range) => sum + layerCount(range), 0)
    const least = nLayers === this.#costs.nLayers ? this.#leastParts(excessKiB) : null
    if (least !== null) return least
    const layers = this.#layers(ranges, excessKiB)
    return layers && partsOf(layers)
  }

  /**
   * As few layers as possible, spread evenly from the first to the last: the disk can go on as soon as the
   * first was computed, and only the last waits for its end.
   */
  #layers(ranges: readonly LayerRange[], excessKiB: number): number[] | null {
    const all: number[] = []
    for (const { start, end } of ranges) for (let i = start; i < end; i++) all.push(i)
    const sizes = all.map((layer) => this.#layerKiB[layer] as number)
    for (let count = leastCount(this.#mostKiB, excessKiB); count <= all.length; count++) {
      this.#spread.walk(sizes, 0, all.length, count)
      if (this.#spread.gainKiB < excessKiB) continue
      const layerOf = (_: unknown, i: number) => all[spreadAt(all.length, count, i)] as number
      return Array.from({ length: count }, layerOf)
    }
    return null
  }

  /** Of [start, end) for each pass, but what of the first `ahead` layers is; 0 where nothing is. */
  readKiB(memoryKiB: number, start: number, end: number, ahead: number): number {
    if (end - start === this.#costs.nLayers) return this.#readOfAllKiB(memoryKiB, ahead)
    const excessKiB = this.#costs.residentKiB(start, end) - memoryKiB
    if (excessKiB <= 0 || this.#gainMaxKiB(start, end) < excessKiB) return 0
    // The fewest layers that make so much room beside the one ahead.
    let count = leastCount(this.#mostKiB, excessKiB)
    this.#spread.walk(this.#layerKiB, start, end, count)
    while (this.#spread.gainKiB < excessKiB) {
      count += 1
      this.#spread.walk(this.#layerKiB, start, end, count)
    }
    let aheadKiB = 0
    for (let i = 0; i < ahead; i++) {
      aheadKiB += this.#layerKiB[start + spreadAt(end - start, count, i)] as number
    }
    return this.#spread.sumKiB - aheadKiB
  }

  #leastParts(excessKiB: number): number[] | null {
    let parts = this.#least.get(excessKiB)
    if (parts === undefined) {
      parts = leastParts(this.#costs.partsKiB, excessKiB)
      this.#least.set(excessKiB, parts)
    }
    return parts
  }

  #readOfAllKiB(memoryKiB: number, ahead: number): number {
    const { nLayers } = this.#costs
    const parts = this.parts(memoryKiB, [{ start: 0, end: nLayers }]) ?? []
    return (ahead > 0 ? sumInTurn : sumOfParts)(this.#costs.partsKiB, parts)
  }

  /** With all of them on disk. */
  #gainMaxKiB(start: number, end: number): number {
    const sumKiB = (this.#upToKiB[end] as number) - (this.#upToKiB[start] as number)
    return sumKiB - LAYERS_AHEAD * this.#largestKiB(start, end)
  }
}

/** As Streams.parts. */
export function streamedParts(
  costs: Costs,
  memoryKiB: number,
  ...ranges: readonly LayerRange[]
): number[] | null {
  return new Streams(costs).parts(memoryKiB, ranges)
}

/**
 * KiB of these parts.
 * @param sizesKiB as Costs.partsKiB.
 */
export function sumOfParts(sizesKiB: PartSizes, parts: readonly number[]): number {
  let sumKiB = 0
  for (const part of parts) sumKiB += sizesKiB[placeOf(part)]?.[layerOf(part)] ?? 0
  return sumKiB
}

/** The same of those, ascending, that are not the first of their kind: those are read ahead. */
export function sumInTurn(sizesKiB: PartSizes, parts: readonly number[]): number {
  const isFirst = sizesKiB.map(() => true)
  const inTurn = parts.filter((part) => {
    const isAhead = isFirst[placeOf(part)] === true
    isFirst[placeOf(part)] = false
    return !isAhead
  })
  return sumOfParts(sizesKiB, inTurn)
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

/** So many layers of a range as spreadAt() has them. One object, because plans ask for thousands. */
class Spread {
  sumKiB = 0
  #largestKiB = 0

  /** Room that is made by having these on disk. */
  get gainKiB(): number {
    return this.sumKiB - LAYERS_AHEAD * this.#largestKiB
  }

  /** @param layerKiB of all layers, [start, end) among them. */
  walk(layerKiB: readonly number[], start: number, end: number, count: number): void {
    const gaps = count - 1
    const step = floorDiv(end - 1 - start, gaps)
    const more = (end - 1 - start) % gaps
    let sumKiB = 0
    let largestKiB = 0
    let rest = 0
    // Adding up is far cheaper than dividing.
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
    this.sumKiB = sumKiB
    this.#largestKiB = largestKiB
  }
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
