// Figures as short texts of the dashboard. Pure. A dash is what nobody knows; `est.` behind a figure says
// that it was predicted and not measured.

import { foreign } from './foreign.ts'

import type { Figure, TopPeer, TopRange, TopSnapshot } from '../wire/top.ts'

export const UNKNOWN = '-'

const SIZE_UNITS: readonly (readonly [number, string])[] = [
  [2 ** 40, 'T'],
  [2 ** 30, 'G'],
  [2 ** 20, 'M'],
  [2 ** 10, 'K']
]

/** `17.2`, `604`, `12k`: at most five cells. */
export function formatCount(value: number): string {
  if (value >= 99_950) return `${Math.round(value / 1000)}k`
  return value >= 999.95 ? String(Math.round(value)) : value.toFixed(1)
}

/** @param show of the bare number. */
export function formatFigure(figure: Figure | null, show: (value: number) => string): string {
  if (figure === null) return UNKNOWN
  return figure.isEstimate ? `${show(figure.value)} est.` : show(figure.value)
}

/** A prediction, which is never a measurement. */
export function formatEstimate(value: number | null, show: (value: number) => string): string {
  return formatFigure(value === null ? null : { value, isEstimate: true }, show)
}

/** Bytes per second as GB/s without the unit. */
export function formatGbps(bytesPerSecond: number): string {
  const gbps = bytesPerSecond / 1e9
  return gbps > 0 && gbps < 1 ? gbps.toFixed(2) : formatCount(gbps)
}

/** Milliseconds without the unit: two digits behind the point where one would say nothing. */
export function formatMs(ms: number): string {
  return ms < 10 ? ms.toFixed(2) : formatCount(ms)
}

export function formatVoc(value: number): string {
  // No minus sign before a zero.
  return (Math.round(value * 100) / 100 || 0).toFixed(2)
}

/** `0-11`: both ends included, as in --layers. */
export function formatLayers(range: TopRange | null): string {
  return range === null ? UNKNOWN : `${range.start}-${range.end - 1}`
}

/** `0-11, 20-23` */
export function formatLayersOf(ranges: readonly TopRange[]): string {
  return ranges.length === 0 ? UNKNOWN : ranges.map(formatLayers).join(', ')
}

/** `0-11`, or the first range and how many more, as short as a column: `10-12+4`. */
export function formatLayersShort(ranges: readonly TopRange[]): string {
  const more = ranges.length > 1 ? `+${ranges.length - 1}` : ''
  return `${formatLayers(ranges[0] ?? null)}${more}`
}

/** Whether a peer holds all layers of a range. */
export function holds({ held }: Pick<TopPeer, 'held'>, { start, end }: TopRange): boolean {
  return held.some((one) => one.start <= start && end <= one.end)
}

/** `1.4G/8.0G`: what is held of what may be held, in binary units. */
export function formatMemory(heldBytes: number | null, memoryBytes: number | null): string {
  return memoryBytes === null ? UNKNOWN : `${shortSize(heldBytes)}/${shortSize(memoryBytes)}`
}

/** At most five cells. */
function shortSize(sizeBytes: number | null): string {
  if (sizeBytes === null) return UNKNOWN
  for (const [unit, letter] of SIZE_UNITS) {
    const value = sizeBytes / unit
    if (value >= 0.95) return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)}${letter}`
  }
  return '0'
}

/** `02:11`, with hours `1:02:11`, with days `3 d 01:02:11`. */
export function formatUp(upMs: number): string {
  const seconds = Math.max(0, Math.floor(upMs / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24]
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  if (days > 0) return `${days} d ${two(hours)}:${rest}`
  return hours > 0 ? `${hours}:${rest}` : rest
}

/** `2026-11-21`; other peers' clocks may say anything. */
export function formatDay(wallMs: number): string {
  const time = new Date(wallMs)
  return Number.isNaN(time.getTime()) ? UNKNOWN : time.toISOString().slice(0, 10)
}

/** `15:20:02` in this machine's time zone. */
export function formatTime(wallMs: number): string {
  const time = new Date(wallMs)
  if (Number.isNaN(time.getTime())) return UNKNOWN
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

/** Digits of a key that tell peers of one name apart. */
const KEY_DIGITS = 4

/** What people call a peer; with digits of its key where another has the same name. */
export function nameOf({ peers }: Pick<TopSnapshot, 'peers'>, key: string): string {
  const peer = peers.find((one) => one.key === key)
  const name = peer === undefined ? '' : peerName(peer)
  if (peer === undefined) return foreign(key.slice(0, 8))
  const isShared = peers.some((other) => other.key !== key && peerName(other) === name)
  return isShared ? `${name} ${foreign(key.slice(0, KEY_DIGITS))}` : name
}

/** Its name as it says; the first digits of its key where it says none. */
export function peerName({ name, key }: Pick<TopPeer, 'name' | 'key'>): string {
  return foreign(name).trim() || foreign(key.slice(0, 8))
}

/** One word, and with layers that load how far they are. */
export function stateOf(peer: TopPeer): string {
  const { state, loading, planned, held, lane, isSelf } = peer
  if (state !== 'alive') return state
  if (loading !== null) return `load ${loading.percent}%`
  if (!isSelf && lane === null) return 'no link'
  if (planned.length > 0) return held.length === 0 ? 'waiting' : 'ok'
  return held.length === 0 ? 'idle' : 'standby'
}

/** `#####.....` of so many cells. */
export function bar(share: number, cells: number): string {
  const full = Math.max(0, Math.min(cells, Math.round(share * cells)))
  return '#'.repeat(full) + '.'.repeat(cells - full)
}
