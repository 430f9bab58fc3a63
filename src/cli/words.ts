// Numbers as words for people, as the tables of several commands need them. Pure.

/** `0-11`: both ends included, as in --layers. */
export function formatLayers(range: { start: number; end: number } | null): string {
  return range === null ? '-' : `${range.start}-${range.end - 1}`
}

/** Bytes per second as GB/s, the unit in which memory is sold. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${(bytesPerSecond / 1e9).toFixed(1)} GB/s` : '-'
}
