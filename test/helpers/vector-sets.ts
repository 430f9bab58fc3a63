// Sets of 256-dim unit vectors for the search: real ones of the shared data, projected, and made ones
// that are hard for it. Everything is seeded; the projection is y_j = sum over i of s_ij x_i with signs
// s_ij drawn from seededRandom(256), in float64, then brought to length 1.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { seededRandom, unit, type Random } from '../../src/base/random.ts'
import { EMBEDDING_DIM } from '../../src/base/limits.ts'
import { SCAN_KEY_BYTES } from '../../src/compute/vector-scan.ts'
import { dataPath } from './data.ts'

export interface VectorSet {
  name: string
  rows: Float32Array[]
  questions: Float32Array[]
}

const PROJECTION_SEED = 256

export function toUnit(values: ArrayLike<number>): Float32Array {
  let sum = 0
  for (let k = 0; k < values.length; k++) sum += (values[k] as number) ** 2
  const length = Math.sqrt(sum)
  return Float32Array.from(values, (value) => value / length)
}

/** @returns a projection of vectors of `width` values. */
export function projection(width: number): (vector: ArrayLike<number>) => Float32Array {
  const random = seededRandom(PROJECTION_SEED)
  const signs = Int8Array.from({ length: width * EMBEDDING_DIM }, () =>
    (random.uint32() & 1) === 1 ? 1 : -1
  )
  return (vector) => {
    const out = new Float64Array(EMBEDDING_DIM)
    for (let i = 0; i < width; i++) {
      const value = vector[i] as number
      if (value === 0) continue
      for (let j = 0; j < EMBEDDING_DIM; j++) {
        out[j] = (out[j] as number) + (signs[i * EMBEDDING_DIM + j] as number) * value
      }
    }
    return toUnit(out)
  }
}

/** 9800 images as rows, the first 200 as questions. */
export function mnistSet(): VectorSet {
  const [folder, name] = [dataPath('mnist-t10k'), 't10k-images-idx3-ubyte.gz']
  const pixels = gunzipSync(readFileSync(join(folder, name))).subarray(16)
  const project = projection(784)
  const images = Array.from({ length: 10_000 }, (_, at) =>
    project(pixels.subarray(at * 784, (at + 1) * 784))
  )
  return { name: 'mnist-t10k', rows: images.slice(200), questions: images.slice(0, 200) }
}

/** A thousand words; each is a row and every fifth a question too, so that each question has a twin. */
export function wordSet(): VectorSet {
  const text = readFileSync(dataPath('word2vec-1000', 'wordvecs1000.json'), 'utf8')
  const { vectors } = JSON.parse(text) as { vectors: Record<string, number[]> }
  const project = projection(300)
  const rows = Object.values(vectors).map((vector) => project(vector))
  return { name: 'word2vec-1000', rows, questions: rows.filter((_, at) => at % 5 === 0) }
}

/** A normal distribution, near enough: twelve uniform numbers. */
export function bell(random: Random): number {
  let sum = -6
  for (let i = 0; i < 12; i++) sum += unit(random)
  return sum
}

export function bellVector(random: Random): Float32Array {
  return toUnit(Array.from({ length: EMBEDDING_DIM }, () => bell(random)))
}

/** `near` plus noise of the given size on each element, at length 1 again. */
export function jitter(random: Random, near: Float32Array, size: number): Float32Array {
  return toUnit(Array.from(near, (value) => value + size * bell(random)))
}

/** Vectors around so many centres, as texts about so many subjects are. */
export function clusterSet(
  rows: number,
  questions: number,
  centres: number,
  seed: number
): VectorSet {
  const random = seededRandom(seed)
  const middles = Array.from({ length: centres }, () => bellVector(random))
  const draw = () => jitter(random, middles[random.uint32() % centres] as Float32Array, 0.04)
  return {
    name: `clusters-${rows}`,
    rows: Array.from({ length: rows }, draw),
    questions: Array.from({ length: questions }, draw)
  }
}

/** Sets that a wrong bound or a wrong order of equals would show in. */
export function hardSets(): VectorSet[] {
  const random = seededRandom(11)
  const questions = Array.from({ length: 12 }, () => bellVector(random))
  const repeat = <T>(count: number, make: (at: number) => T) =>
    Array.from({ length: count }, (_, at) => make(at))
  const one = questions[0] as Float32Array
  const positive = () => toUnit(repeat(EMBEDDING_DIM, () => unit(random)))
  const spike = (at: number) => {
    const values = new Float32Array(EMBEDDING_DIM).fill(1e-4)
    values[at % EMBEDDING_DIM] = 1
    return toUnit(values)
  }
  return [
    { name: 'non-negative', rows: repeat(3000, positive), questions: repeat(12, positive) },
    {
      name: 'duplicates',
      rows: repeat(3000, (at) => questions[at % 3] as Float32Array),
      questions
    },
    // Neighbours that differ by about 1e-6 and less around one point.
    { name: 'near-ties', rows: repeat(3000, () => jitter(random, one, 1e-5)), questions },
    { name: 'one element rules', rows: repeat(1000, spike), questions: repeat(12, spike) },
    clusterSet(3000, 12, 5, 12)
  ]
}

/** A key whose bytes have nothing to do with the order of rows. */
export function keyOf(row: number): Uint8Array {
  return seededRandom(row).bytes(SCAN_KEY_BYTES)
}
