// Flow C, before a byte of weights is read: whether memory suffices, and in words what would fit. Memory
// is reserved without asking the system, which would end the process only when the pages are touched, so
// this is the one place that says no. Pure; how much is free is read in sharding/probe.ts.

import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'
import { KV_PAGE_TOKENS } from '../compute/stage.ts'
import { formatRange, formatRanges, intersect, type LayerRange } from '../model/layer-range.ts'
import { createCosts } from '../sharding/cost.ts'
import type { ModelFacts } from '../sharding/facts.ts'

/**
 * Whether this machine alone can run the model with a context of `facts.contextTokens` positions.
 * @throws NATIVE_OUT_OF_MEMORY, which says how many positions or layers would fit.
 */
export function checkRoom(facts: ModelFacts, freeBytes: number): void {
  const whole = { start: 0, end: facts.nLayers }
  const needBytes = residentBytes(facts, [whole])
  if (needBytes <= freeBytes) return
  const weightBytes = residentBytes({ ...facts, contextTokens: 0 }, [whole])
  throw new SwarmError(
    'NATIVE_OUT_OF_MEMORY',
    `the weights take ${formatSize(weightBytes)} and a context of ${facts.contextTokens} tokens ` +
      `${formatSize(needBytes - weightBytes)}, and there is room for ${formatSize(freeBytes)}: ` +
      whatFits(facts, freeBytes - weightBytes, freeBytes)
  )
}

function whatFits(facts: ModelFacts, contextBytes: number, freeBytes: number): string {
  // Whole KiB are reserved in each layer, and a cache takes whole pages.
  const perLayerBytes = Math.floor(contextBytes / facts.nLayers / 1024) * 1024
  const pages = Math.floor(perLayerBytes / facts.kvBytesPerToken / KV_PAGE_TOKENS)
  const nTokens = pages * KV_PAGE_TOKENS
  if (nTokens > 0) return `${nTokens} tokens would fit, give a smaller -n or --ctx`
  const range = longestFrom(facts, 0, facts.nLayers, freeBytes)
  return range === null
    ? 'not even one layer would fit; use a smaller model, or one of fewer bits'
    : `layers ${formatRange(range)} of ${facts.nLayers} would fit; swarm join shares a model ` +
        'among machines'
}

/**
 * What the user of a peer should know of its memory before it loads; one sentence each, none when all is
 * well.
 * @param claimedBytes what this peer claims for weights and context.
 * @param limitBytes the user's own --memory; null: a part of what is free is claimed.
 * @param pin the layers given by hand; null: none.
 */
export function roomTexts(
  facts: ModelFacts,
  claimedBytes: number,
  limitBytes: number | null,
  freeBytes: number,
  pin: LayerRange | null
): string[] {
  const texts: string[] = []
  if (limitBytes !== null && limitBytes > freeBytes) {
    texts.push(
      `--memory ${formatSize(limitBytes)} is more than the ${formatSize(freeBytes)} that are free: ` +
        'layers beyond those are not loaded'
    )
  }
  const wanted = pin ?? { start: 0, end: facts.nLayers }
  const needBytes = residentBytes(facts, [wanted])
  if (needBytes <= claimedBytes) return texts
  const range = longestFrom(facts, wanted.start, wanted.end, claimedBytes)
  const room = range === null ? 'no layer' : `layers ${formatRange(range)}`
  const enough = needBytes <= freeBytes ? `; --memory ${sizeFlag(needBytes)} would hold all` : ''
  const then = pin === null ? '' : '; it holds what the plan gives it of them'
  texts.push(
    `layers ${formatRange(wanted)} and a context of ${facts.contextTokens} tokens take ` +
      `${formatSize(needBytes)}, this peer has ${formatSize(claimedBytes)}: ${room} would fit${enough}${then}`
  )
  return texts
}

export interface Room {
  /** Free at this moment. */
  freeBytes: number
  /** What this peer claims for weights and context; sessions live in what weights leave of it. */
  claimedBytes: number
}

/**
 * Whether a set of layers fits, with a context for each.
 * @param held what is resident now, without layers that come from disk; of it only those in the set stay.
 * @throws NATIVE_OUT_OF_MEMORY
 */
export function checkLoad(
  facts: ModelFacts,
  held: readonly LayerRange[],
  wanted: readonly LayerRange[],
  { freeBytes, claimedBytes }: Room
): void {
  const weights = { ...facts, contextTokens: 0 }
  const keptBytes = residentBytes(weights, intersect(held, wanted))
  const needBytes = residentBytes(weights, wanted) - keptBytes
  const roomBytes = freeBytes + residentBytes(weights, held) - keptBytes
  if (needBytes > roomBytes) {
    throw new SwarmError(
      'NATIVE_OUT_OF_MEMORY',
      `layers ${formatRanges(wanted)} need ${formatSize(needBytes)} and ${formatSize(roomBytes)} of ` +
        'memory are free: end other programs, or give this peer a smaller --memory'
    )
  }
  const allBytes = residentBytes(facts, wanted)
  if (allBytes <= claimedBytes) return
  throw new SwarmError(
    'NATIVE_OUT_OF_MEMORY',
    `layers ${formatRanges(wanted)} and their context take ${formatSize(allBytes)}, this peer has ` +
      `${formatSize(claimedBytes)}: give it a larger --memory`
  )
}

/**
 * Bytes of weights, and of the context that is reserved for them: table and head with the layers at the ends.
 * @param ranges in normal form.
 */
export function residentBytes(facts: ModelFacts, ranges: readonly LayerRange[]): number {
  const costs = createCosts(facts)
  const { tied, embeddingKiB, headKiB, nLayers } = facts
  const hasEnds = ranges[0]?.start === 0 && ranges.at(-1)?.end === nLayers
  // Of one range the costs know that a tied table is there once.
  const twiceKiB = hasEnds && tied && ranges.length > 1 ? Math.min(embeddingKiB, headKiB) : 0
  const sizesKiB = ranges.map(({ start, end }) => costs.residentKiB(start, end))
  return (sizesKiB.reduce((sum, sizeKiB) => sum + sizeKiB, 0) - twiceKiB) * 1024
}

/** The most layers from `start` on that fit; null when not even one does. */
function longestFrom(
  facts: ModelFacts,
  start: number,
  end: number,
  sizeBytes: number
): LayerRange | null {
  const costs = createCosts(facts)
  const memory = { memoryKiB: Math.floor(sizeBytes / 1024) }
  let last = start
  while (last < end && costs.fits(memory, start, last + 1)) last++
  return last === start ? null : { start, end: last }
}

/** As --memory takes it, rounded up. */
function sizeFlag(sizeBytes: number): string {
  return `${Math.ceil(sizeBytes / 2 ** 20)}MiB`
}
