// How alike a typed name and a known one are, from 0 to 1: slips of the keyboard, and names made of
// parts (`prepare_extension`), of which people remember one. Pure.

import { countSlips } from '../../base/nearest.ts'

/** Below this a name is another name: one slip in three characters is the limit. */
export const SIMILAR_MIN = 0.6
/** A part that fits is worth less than a whole name that fits. */
const PART_WEIGHT = 0.9
/** The start of a name is what people type of it; still, a slip is likelier than laziness. */
const PREFIX_WEIGHT = 0.8
/** Longer names are compared by their start only, so that a hostile output costs no time. */
const NAME_CHARS_MAX = 64

export function similarity(typed: string, known: string): number {
  const [a, b] = [typed.slice(0, NAME_CHARS_MAX), known.slice(0, NAME_CHARS_MAX)]
  if (a === b) return 1
  const whole = nearness(a.toLowerCase(), b.toLowerCase())
  const parts = b.split(/[-_:/.]/)
  const part = parts.length < 2 ? 0 : Math.max(...parts.map((one) => nearness(a, one)))
  const prefix = a.length >= 2 && b.startsWith(a) ? PREFIX_WEIGHT : 0
  return Math.max(whole, PART_WEIGHT * part, prefix)
}

function nearness(a: string, b: string): number {
  const longest = Math.max(a.length, b.length)
  if (longest === 0) return 1
  const slips = countSlips(a, b, longest)
  // Slips that leave the first letter alone are commoner than those that change it.
  return 1 - (slips - (slips > 0 && a[0] === b[0] ? 0.25 : 0)) / longest
}

/** Best first, the first of equals first; only those that may be meant. */
export function mostSimilar(typed: string, known: Iterable<string>, least = SIMILAR_MIN): string[] {
  return [...known]
    .map((name) => ({ name, score: similarity(typed, name) }))
    .filter(({ name, score }) => score >= least && name !== typed)
    .toSorted((a, b) => b.score - a.score)
    .map(({ name }) => name)
}
