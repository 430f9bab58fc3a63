// Consecutive transformer layers, half-open as everywhere: the unit in which a model is split.
// Layer i is GGUF's `blk.i`. The embedding goes with layer 0, the head with the last layer.
// What a peer holds is a list of them, normal where it came from here: ascending, none empty, none
// touching the next, so that a set of layers has one form. Pure.

export interface LayerRange {
  readonly start: number
  readonly end: number
}

export function layerCount(range: LayerRange): number {
  return range.end - range.start
}

/** One layer as a range. */
export function layerAt(layer: number): LayerRange {
  return { start: layer, end: layer + 1 }
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

/** The same layers in normal form, from ranges in any order that may overlap or be empty. */
export function normalise(ranges: readonly LayerRange[]): LayerRange[] {
  const normal: LayerRange[] = []
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = normal.at(-1)
    if (start >= end) continue
    if (last === undefined || last.end < start) normal.push({ start, end })
    else normal[normal.length - 1] = { start: last.start, end: Math.max(last.end, end) }
  }
  return normal
}

/** The layers in either, in normal form. */
export function union(a: readonly LayerRange[], b: readonly LayerRange[]): LayerRange[] {
  return normalise([...a, ...b])
}

/** The layers in both, in normal form. */
export function intersect(a: readonly LayerRange[], b: readonly LayerRange[]): LayerRange[] {
  return normalise(a.flatMap((one) => b.flatMap((other) => intersection(one, other) ?? [])))
}

/** The layers of `from` that are not in `taken`, in normal form. */
export function subtract(from: readonly LayerRange[], taken: readonly LayerRange[]): LayerRange[] {
  const gaps = normalise(taken).reduce<LayerRange[]>(
    (left, { start, end }) =>
      left.flatMap((one) => [
        { start: one.start, end: Math.min(one.end, start) },
        { start: Math.max(one.start, end), end: one.end }
      ]),
    [...from]
  )
  return normalise(gaps)
}

/** Whether `outer` has every layer of `inner`. */
export function containsAll(outer: readonly LayerRange[], inner: readonly LayerRange[]): boolean {
  return subtract(inner, outer).length === 0
}

/** Whether both are the same layers. */
export function sameLayers(a: readonly LayerRange[], b: readonly LayerRange[]): boolean {
  return containsAll(a, b) && containsAll(b, a)
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

/** `0-11, 20-23` as people read it; `none` for no layers. */
export function formatRanges(ranges: readonly LayerRange[]): string {
  return ranges.length === 0 ? 'none' : ranges.map(formatRange).join(', ')
}
