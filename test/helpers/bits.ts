// Equality of bits, and generated numbers for comparing kernels. What is compared for equality is
// compared as bytes: two NaNs or two zeros that differ in a bit are different.

import { below, seededRandom, type Random } from '../../src/base/random.ts'

/** Index of the first f32 whose bits differ, or -1; lengths count too. */
export function firstDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Math.min(a.length, b.length)
  const x = new Uint32Array(a.buffer, a.byteOffset, a.length)
  const y = new Uint32Array(b.buffer, b.byteOffset, b.length)
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return i
  return -1
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Values spread over signs and six decades, with zeros, ties and repeats among them. */
export function spreadFloats(count: number, seed: number): Float32Array {
  const random = seededRandom(seed)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) values[i] = spreadFloat(random)
  return values
}

function spreadFloat(random: Random): number {
  const sign = below(random, 2) === 0 ? -1 : 1
  switch (below(random, 16)) {
    case 0:
      return 0
    case 1:
      return sign * 0.5
    default:
      return sign * (random.uint32() / 2 ** 32) * 10 ** (below(random, 7) - 3)
  }
}
