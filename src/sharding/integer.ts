// The arithmetic of everything peers must agree on: non-negative whole numbers below 2^53, one
// division, one order of text, one hash. No float, no Math.pow, no locale takes part in a plan.

import { createHash } from 'node:crypto'

/**
 * Floor of a/b, exact for whole numbers 0 <= a < 2^53 and 0 < b: a quotient below a whole number lies 1/b
 * below it at least, which is more than rounding to binary64 moves it by (2^-53 a/b), so C++ with int64 gets
 * the same. By way of the remainder it takes three times as long.
 */
export function floorDiv(a: number, b: number): number {
  return Math.floor(a / b)
}

export function ceilDiv(a: number, b: number): number {
  return floorDiv(a + b - 1, b)
}

/** (count + 1,) sums of the first 0, 1, ... values. */
export function prefixSums(values: readonly number[]): number[] {
  const sums = [0]
  for (const value of values) sums.push((sums.at(-1) as number) + value)
  return sums
}

/** The place of the i-th of `count`, two at least, that lie evenly from the first of n places to the last. */
export function spreadAt(n: number, count: number, i: number): number {
  return floorDiv(i * (n - 1), count - 1)
}

/** Order of keys and hashes: by code unit, the same in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export type Canonical = string | number | boolean | null | readonly Canonical[]

/**
 * 64 hex digits that stand for a value: the first 32 bytes of BLAKE2b-512 over its JSON text. Arrays
 * of whole numbers and ASCII text have exactly one JSON text without spaces.
 */
export function hashOf(value: Canonical): string {
  return createHash('blake2b512').update(JSON.stringify(value)).digest('hex').slice(0, 64)
}
