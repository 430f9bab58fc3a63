// Randomness as a value that can be replaced. `systemRandom` is for secrets, ids and seeds;
// `seededRandom` for simulations, generated models and tests, where a seed must replay.

import { randomFillSync } from 'node:crypto'

export interface Random {
  bytes(count: number): Uint8Array
  /** Uniform over 0 .. 2^32 - 1. */
  uint32(): number
}

export const systemRandom: Random = {
  bytes: (count) => randomFillSync(new Uint8Array(count)),
  uint32: () => randomFillSync(new Uint32Array(1))[0] as number
}

/**
 * Deterministic generator of integers (xoshiro128**, Blackman and Vigna 2018, seeded by splitmix32):
 * only 32-bit integer operations, so a seed gives the same bytes on every machine.
 */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0
  const next = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0
    let z = mix
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let [a, b, c, d] = [next(), next(), next(), next()]
  const uint32 = (): number => {
    const scaled = Math.imul(b, 5)
    const result = Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return result
  }
  return {
    uint32,
    bytes(count) {
      const out = new Uint8Array(count)
      for (let i = 0; i < count; i++) out[i] = uint32() >>> 24
      return out
    }
  }
}

/** Uniform over 0 .. bound - 1, without the bias of a plain remainder. */
export function below(random: Random, bound: number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const value = random.uint32()
    if (value < limit) return value % bound
  }
}

/** Uniform over [0, 1) in steps of 2^-32. Not for anything that enters a model's result. */
export function unit(random: Random): number {
  return random.uint32() / 2 ** 32
}
