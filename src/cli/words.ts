// Numbers as words for people, as the tables of several commands need them. Pure.

import { subtract, type LayerRange } from '../model/layer-range.ts'

/** `0-11`: both ends included, as in --layers. */
export function formatLayers(range: LayerRange | null): string {
  return range === null ? '-' : `${range.start}-${range.end - 1}`
}

/** `0-11, standby 20-23`: its own stage, and what it holds for others. */
export function formatHeld(held: readonly LayerRange[], standby: readonly LayerRange[]): string {
  const own = subtract(held, standby).map(formatLayers)
  const others = standby.map((range) => `standby ${formatLayers(range)}`)
  return [...own, ...others].join(', ') || '-'
}

/** Bytes per second as GB/s, the unit in which memory is sold. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${(bytesPerSecond / 1e9).toFixed(1)} GB/s` : '-'
}
