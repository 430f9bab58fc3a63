// Small conversions between text and values that several folders need: sizes, hex, foreign text.
// Owns no state and no domain words.

import { SwarmError } from './errors.ts'

const UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kb: 1e3,
  kib: 2 ** 10,
  m: 2 ** 20,
  mb: 1e6,
  mib: 2 ** 20,
  g: 2 ** 30,
  gb: 1e9,
  gib: 2 ** 30,
  t: 2 ** 40,
  tb: 1e12,
  tib: 2 ** 40
}

/**
 * Bytes of a size as people write it: `512MiB`, `8G` (binary), `1.5GB` (decimal).
 * @throws USAGE_BAD_VALUE
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const factor = match ? UNITS[(match[2] as string).toLowerCase()] : undefined
  const bytes = match && factor ? Math.floor(Number(match[1]) * factor) : NaN
  if (!Number.isSafeInteger(bytes) || bytes <= 0) {
    throw new SwarmError('USAGE_BAD_VALUE', `'${clip(text)}' is not a size; write for example 8GiB`)
  }
  return bytes
}

export function formatSize(sizeBytes: number): string {
  const steps: [number, string][] = [
    [2 ** 40, 'TiB'],
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB']
  ]
  for (const [unit, name] of steps) {
    if (sizeBytes >= unit)
      return `${(sizeBytes / unit).toFixed(sizeBytes >= 10 * unit ? 0 : 1)} ${name}`
  }
  return `${sizeBytes} B`
}

/** Tokens per second, or another rate: `12.3`; below one with two digits that count, as `0.042`. */
export function formatRate(perSecond: number): string {
  return perSecond > 0 && perSecond < 0.95 ? perSecond.toPrecision(2) : perSecond.toFixed(1)
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** @returns null when the text is not exactly `sizeBytes` bytes of hexadecimal. */
export function fromHex(text: string, sizeBytes: number): Uint8Array | null {
  if (text.length !== sizeBytes * 2 || !/^[0-9a-f]*$/i.test(text)) return null
  return new Uint8Array(Buffer.from(text, 'hex'))
}

/**
 * Text of a stranger made fit for a terminal line: control characters (C0, C1, escape), line breaks
 * and bidirectional overrides become spaces, and the length is bounded.
 */
export function clip(text: string, lengthMax = 80): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
  return plain.length <= lengthMax ? plain : plain.slice(0, lengthMax - 1) + '…'
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
