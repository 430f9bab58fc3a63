// Which docs/arithmetic.md this program follows. Peers exchange the number: it must be known also where
// there is no addon to compute with. Sessions whose keys and values are q8_0 follow one more text, with a
// version of its own; what the stages of a session compare is both in one number.

import type { KvType } from '../wire/session.ts'

/** Of docs/arithmetic.md; the addon must state the same. */
export const ARITHMETIC_VERSION = 1

/** Of its section 12, keys and values as q8_0; 16 bits. */
const KV_Q8_0_VERSION = 1

const KV_SHIFT = 2 ** 16

/**
 * The arithmetic of a session: stages give the same bits exactly when these numbers are equal.
 * @param version of docs/arithmetic.md; below 2^16.
 * @returns the version itself for exact keys and values (f16, f32), 32 bits at most.
 */
export function sessionArithmetic(version: number, kvType: KvType): number {
  return kvType === 'q8_0' ? KV_Q8_0_VERSION * KV_SHIFT + version : version
}

/** A session's arithmetic as people read it: `1`, or `1 with q8_0 keys and values 1`. */
export function describeArithmetic(session: number): string {
  const kv = Math.floor(session / KV_SHIFT)
  const version = session % KV_SHIFT
  return kv === 0 ? `${version}` : `${version} with q8_0 keys and values ${kv}`
}
