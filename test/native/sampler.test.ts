// The sampler against docs/arithmetic.md section 8 written a second time here, in JavaScript's own
// binary32, and against the distribution that it is meant to draw from.

import test from 'brittle'
import { below, seededRandom, unit } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import type { Sampling } from '../../src/wire/session.ts'

const { addon, available } = loadKernels()
const f = Math.fround

const PLAIN: Sampling = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 1,
  bias: []
}

function sample(table: string, sampling: Sampling, logits: Float32Array, position: number): number {
  return addon.testing['sample']?.(table, sampling, logits, position) as number
}

/** exp as the kernels have it; its own test compares it with the library's. */
function kernelExp(z: Float32Array, top: number): Float32Array {
  const weightsAndSum = addon.testing['expSum']?.('scalar', z, top) as Float32Array
  return weightsAndSum.subarray(0, z.length)
}

function draw(seed: number, position: number): number {
  const mask = (1n << 64n) - 1n
  let state = (BigInt(seed) * 0x9e3779b97f4a7c15n + BigInt(position)) & mask
  state = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
  state = ((state ^ (state >> 27n)) * 0x94d049bb133111ebn) & mask
  state ^= state >> 31n
  return Number(state >> 40n) / 2 ** 24
}

function lanes(values: { id: number; w: number }[]): number {
  const lane = new Float32Array(16)
  for (const { id, w } of values.toSorted((a, b) => a.id - b.id)) {
    lane[id % 16] = f((lane[id % 16] as number) + w)
  }
  for (let width = 8; width >= 1; width /= 2) {
    for (let i = 0; i < width; i++) lane[i] = f((lane[i] as number) + (lane[i + width] as number))
  }
  return lane[0] as number
}

function expectedToken(sampling: Sampling, logits: Float32Array, position: number): number {
  const biased = Float32Array.from(logits)
  for (const { id, value } of sampling.bias) biased[id] = f((biased[id] as number) + f(value))
  const temperature = f(sampling.temperature)
  const cold = temperature < f(1e-4)
  const z = cold ? biased : biased.map((l) => f(l / temperature))
  const order = Array.from(z, (value, id) => ({ id, z: value })).toSorted(
    (a, b) => b.z - a.z || a.id - b.id
  )
  const first = order[0] as { id: number; z: number }
  if (cold) return first.id
  const weights = kernelExp(z, first.z)
  const kept = order
    .slice(0, sampling.topK === 0 ? order.length : sampling.topK)
    .map(({ id }) => ({ id, w: weights[id] as number }))
  const enough = f(f(sampling.topP) * lanes(kept))
  const chosen: { id: number; w: number }[] = []
  let sum = 0
  for (const entry of kept) {
    if (chosen.length > 0 && (sum >= enough || entry.w < f(sampling.minP))) break
    sum = f(sum + entry.w)
    chosen.push(entry)
  }
  const limit = f(draw(sampling.seed, position) * sum)
  let running = 0
  for (const { id, w } of chosen) {
    running = f(running + w)
    if (running > limit) return id
  }
  return chosen.at(-1)?.id as number
}

function randomLogits(vocab: number, seed: number): Float32Array {
  const random = seededRandom(seed)
  const coarse = below(random, 3) === 0
  // Coarse values make ties, which the lower id must win.
  return Float32Array.from({ length: vocab }, () =>
    coarse ? below(random, 8) : f(unit(random) * 20 - 10)
  )
}

test('sampler - every mix of settings draws what the text says', (t) => {
  const random = seededRandom(9)
  const seen = new Set<number>()
  for (let i = 0; i < 3000; i++) {
    const vocab = 1 + below(random, 300)
    const logits = randomLogits(vocab, i)
    const sampling: Sampling = {
      ...PLAIN,
      temperature: [0, 5e-5, 0.1, 0.8, 1, 2.5][below(random, 6)] as number,
      topK: below(random, 2) * below(random, 60),
      topP: below(random, 2) === 0 ? 1 : unit(random),
      minP: below(random, 2) === 0 ? 0 : unit(random) * 0.3,
      seed: random.uint32() * 1000,
      bias: below(random, 4) === 0 ? [{ id: below(random, vocab), value: unit(random) * 8 }] : []
    }
    const position = below(random, 100_000)
    const expected = expectedToken(sampling, logits, position)
    seen.add(expected)
    for (const table of available) {
      const actual = sample(table, sampling, logits, position)
      if (actual !== expected) t.fail(`${table}, case ${i}: ${actual} instead of ${expected}`)
    }
  }
  t.ok(seen.size > 100, `${seen.size} different tokens`)
})

test('sampler - a flat vocabulary of 50,000 sorts as far as the draw needs', (t) => {
  const logits = randomLogits(50_000, 2)
  for (let position = 0; position < 20; position++) {
    const sampling = { ...PLAIN, temperature: 5, seed: 4 }
    t.is(sample('scalar', sampling, logits, position), expectedToken(sampling, logits, position))
  }
})

test('sampler - draws follow the softmax', (t) => {
  const logits = Float32Array.of(0, 1, 2, 0.5, -1)
  const weights = Array.from(logits, (l) => Math.exp(l))
  const total = weights.reduce((sum, w) => sum + w, 0)
  const draws = 40_000
  const counts = new Float64Array(5)
  for (let position = 0; position < draws; position++) {
    const id = sample('scalar', PLAIN, logits, position)
    counts[id] = (counts[id] as number) + 1
  }
  let chiSquare = 0
  weights.forEach((w, id) => {
    const expected = (draws * w) / total
    chiSquare += ((counts[id] as number) - expected) ** 2 / expected
  })
  // 99.9 % of samples of 4 degrees of freedom lie below 18.5; the draws are seeded, so this never flips.
  t.ok(chiSquare < 18.5, `chi square ${chiSquare.toFixed(1)}`)
})

test('sampler - one seed gives one draw per position, another seed others', (t) => {
  const logits = new Float32Array(1000)
  const ids = (seed: number) =>
    Array.from({ length: 50 }, (_, p) => sample('scalar', { ...PLAIN, seed }, logits, p))
  t.alike(ids(7), ids(7))
  t.unlike(ids(7), ids(8))
  t.ok(new Set(ids(7)).size > 40)
})
