// Numbers as words for people, as the tables of several commands need them. Pure.

/** `0-11`: both ends included, as in --layers. */
export function formatLayers(range: { start: number; end: number } | null): string {
  return range === null ? '-' : `${range.start}-${range.end - 1}`
}

/** `02:11` minutes and seconds, `1:02:11` with hours, `3 d 01:02:11` with days. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  if (days > 0) return `${days} d ${two(hours)}:${rest}`
  return hours > 0 ? `${hours}:${rest}` : rest
}

/** Bytes per second as GB/s, the unit in which memory is sold. */
export function formatRate(bytesPerSecond: number): string {
  return bytesPerSecond > 0 ? `${(bytesPerSecond / 1e9).toFixed(1)} GB/s` : '-'
}
