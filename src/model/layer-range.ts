// Consecutive transformer layers, half-open as everywhere: the unit in which a model is split.
// Layer i is GGUF's `blk.i`. The embedding goes with layer 0, the head with the last layer.

export interface LayerRange {
  readonly start: number
  readonly end: number
}

export function layerCount(range: LayerRange): number {
  return range.end - range.start
}

/** Whether `outer` holds every layer of `inner`. */
export function contains(outer: LayerRange, inner: LayerRange): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

/** The layers that are in both, or null when there are none. */
export function intersection(a: LayerRange | null, b: LayerRange | null): LayerRange | null {
  if (a === null || b === null) return null
  const start = Math.max(a.start, b.start)
  const end = Math.min(a.end, b.end)
  return start < end ? { start, end } : null
}

export function sameRange(a: LayerRange | null, b: LayerRange | null): boolean {
  return a === b || (a !== null && b !== null && a.start === b.start && a.end === b.end)
}

/** Whether a range from anywhere is a real one of a model with `nLayers` layers. */
export function isLayerRange(range: LayerRange, nLayers: number): boolean {
  const { start, end } = range
  return (
    Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= nLayers
  )
}

/** `0-11` as people and flags write it: both ends included. */
export function formatRange(range: LayerRange): string {
  return `${range.start}-${range.end - 1}`
}
