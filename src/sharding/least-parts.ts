// Flow C, the least that a machine which has a whole model reads from disk for each pass, where its memory
// lacks some room: parts of layers (model/layer-part.ts), of each kind as many as need be. What is read of a
// kind passes through the room of the largest of them, in which a single one would stay for good: it is none
// or two at least. Nobody else computes meanwhile, so the disk reads all the time into however little room.
// Pure and in whole numbers.

import { LAYER_PARTS, partAt } from '../model/layer-part.ts'
import { ceilDiv, spreadAt } from './integer.ts'

/** Of each kind the sizes of its parts, (LAYER_PARTS, nLayers) KiB. */
type Sizes = readonly (readonly number[])[]

/** Sets of kinds, as bits. */
const ALL_KINDS = 2 ** LAYER_PARTS - 1

/**
 * Of the kinds that take least room themselves, as that is not gained, each spread evenly from the first
 * layer to the last: reading one overlaps with computing what is before it.
 * @param excessKiB that memory lacks, above 0.
 * @returns ascending; null where all parts on disk are not enough.
 */
export function leastParts(sizesKiB: Sizes, excessKiB: number): number[] | null {
  const kinds = leastKinds(sizesKiB, excessKiB)
  if (kinds === null) return null
  const nLayers = sizesKiB[0]?.length ?? 0
  const counts = countsOf(sizesKiB, kinds, excessKiB)
  const parts = kinds.flatMap((kind, i) => {
    const count = counts[i] as number
    return Array.from({ length: count }, (_, at) => partAt(spreadAt(nLayers, count, at), kind))
  })
  return parts.toSorted((a, b) => a - b)
}

/** Null: not even all together. */
function leastKinds(sizesKiB: Sizes, excessKiB: number): number[] | null {
  const largest = sizesKiB.map((own) => Math.max(...own))
  const gains = sizesKiB.map((own, kind) => sumOf(own) - (largest[kind] as number))
  let best: number[] | null = null
  let bestKiB = Infinity
  for (let set = 1; set <= ALL_KINDS; set++) {
    const kinds = largest.flatMap((_, kind) => (set & (1 << kind) ? [kind] : []))
    const roomKiB = sumOf(kinds.map((kind) => largest[kind] as number))
    const gainKiB = sumOf(kinds.map((kind) => gains[kind] as number))
    if (gainKiB < excessKiB || roomKiB >= bestKiB) continue
    best = kinds
    bestKiB = roomKiB
  }
  return best
}

/** As few of all as suffice, then one fewer of the largest that can do without. */
function countsOf(sizesKiB: Sizes, kinds: readonly number[], excessKiB: number): number[] {
  const own = kinds.map((kind) => sizesKiB[kind] as readonly number[])
  const nLayers = own[0]?.length ?? 0
  const largest = own.map((sizes) => Math.max(...sizes))
  const gainsWith = (counts: readonly number[]) =>
    sumOf(own.map((sizes, i) => gainKiB(sizes, counts[i] as number)))
  // Of each kind one gains nothing, and none of the others more than the largest.
  let count = Math.min(nLayers, 1 + ceilDiv(excessKiB, Math.max(1, sumOf(largest))))
  const same = () => kinds.map(() => count)
  while (count < nLayers && gainsWith(same()) < excessKiB) count++
  let counts = same()
  const order = kinds.map((_, i) => i)
  for (const i of order.toSorted((a, b) => (largest[b] as number) - (largest[a] as number))) {
    const fewer = counts.with(i, count - 1)
    if (count > 2 && gainsWith(fewer) >= excessKiB) counts = fewer
  }
  return counts
}

/** Room that is made by having so many of these on disk. */
function gainKiB(sizes: readonly number[], count: number): number {
  let sumKiB = 0
  let largestKiB = 0
  for (let i = 0; i < count; i++) {
    const sizeKiB = sizes[spreadAt(sizes.length, count, i)] as number
    sumKiB += sizeKiB
    largestKiB = Math.max(largestKiB, sizeKiB)
  }
  return sumKiB - largestKiB
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
