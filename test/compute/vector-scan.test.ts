// The exact search: its ids against a brute force in float64 that is written here, on real and on hard
// vectors, the same bits from every kernel table and from plain JavaScript, and the bound that lets the
// coarse pass leave rows out.

import test, { type Test } from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { NativeVectorScan } from '../../src/compute/native-vector-scan.ts'
import { PlainVectorScan } from '../../src/compute/plain-vector-scan.ts'
import { EMBEDDING_DIM } from '../../src/base/limits.ts'
import type { VectorScan } from '../../src/compute/vector-scan.ts'
import { seededRandom } from '../../src/base/random.ts'
import { dataTest } from '../helpers/data.ts'
import { bellVector, hardSets, jitter, keyOf, mnistSet, toUnit } from '../helpers/vector-sets.ts'
import { wordSet, type VectorSet } from '../helpers/vector-sets.ts'

const { addon, available } = loadKernels()
const KINDS: { name: string; open: () => VectorScan }[] = [
  ...available.map((table) => ({ name: table, open: () => new NativeVectorScan(table) })),
  { name: 'plain', open: () => new PlainVectorScan() }
]
const LIMIT = 20
/** Neighbours closer than this may stand in either order. */
const RESOLUTION = 1e-6

function filled(open: () => VectorScan, { rows }: VectorSet): VectorScan {
  const scan = open()
  for (const [row, vector] of rows.entries()) scan.set(row, keyOf(row), vector)
  return scan
}

/** Every product in float64, highest first. */
function bruteForce(rows: Float32Array[], question: Float32Array): { row: number; cos: number }[] {
  const all = rows.map((vector, row) => {
    let cos = 0
    for (let k = 0; k < EMBEDDING_DIM; k++) cos += (vector[k] as number) * (question[k] as number)
    return { row, cos }
  })
  return all.toSorted((a, b) => b.cos - a.cos)
}

/** @returns how many places were decided by more than the resolution. */
function checkAgainstBruteForce(t: Test, set: VectorSet, kinds: typeof KINDS): number {
  let decided = 0
  const scans = kinds.map(({ name, open }) => ({ name, scan: filled(open, set) }))
  for (const question of set.questions) {
    const expected = bruteForce(set.rows, question)
    for (const { name, scan } of scans) {
      const found = scan.search(question, LIMIT, null)
      if (found.length !== LIMIT) t.fail(`${set.name}, ${name}: ${found.length} found`)
      for (const [place, { label, score }] of found.entries()) {
        const at = (near: number) => expected[near]?.cos ?? -2
        const isDecided =
          at(place - 1) - at(place) > RESOLUTION || place === 0
            ? at(place) - at(place + 1) > RESOLUTION
            : false
        if (isDecided) decided++
        if (isDecided && label !== expected[place]?.row) {
          t.fail(`${set.name}, ${name}: place ${place} is ${label}, not ${expected[place]?.row}`)
        }
        if (Math.abs(score - at(place)) > 1e-12) t.fail(`${set.name}, ${name}: score ${score}`)
      }
    }
  }
  for (const { scan } of scans) scan.close()
  return decided
}

dataTest('search - finds what a float64 brute force finds in mnist-t10k', {}, (t) => {
  const set = mnistSet()
  t.is(set.rows.length, 9800)
  const kinds = KINDS.filter(({ name }) => name === available[0] || name === 'plain')
  t.ok(checkAgainstBruteForce(t, set, kinds) > 7000)
})

dataTest('search - finds what a float64 brute force finds in word2vec-1000', {}, (t) => {
  const set = wordSet()
  t.is(set.rows.length, 1000)
  t.ok(checkAgainstBruteForce(t, set, KINDS) > 3900 * KINDS.length)
})

for (const set of hardSets()) {
  test(`search - finds what a float64 brute force finds among hard vectors: ${set.name}`, (t) => {
    checkAgainstBruteForce(t, set, KINDS)
    t.pass()
  })
}

test('search - has the same labels and scores to the bit on every table and without one', (t) => {
  for (const set of hardSets()) {
    const [specification, ...others] = KINDS.toReversed()
    const expected = filled((specification as (typeof KINDS)[0]).open, set)
    for (const { name, open } of others) {
      const scan = filled(open, set)
      for (const question of set.questions) {
        for (const limit of [1, 7, 300]) {
          const found = scan.search(question, limit, null)
          t.alike(found, expected.search(question, limit, null), `${name}, ${set.name}, ${limit}`)
        }
      }
    }
  }
})

test('search - equal vectors stand by their keys, whatever order they came in', (t) => {
  const vector = bellVector(seededRandom(1))
  const keys = Array.from({ length: 300 }, (_, row) => keyOf(row))
  const byKey = keys
    .map((_, row) => row)
    .toSorted((a, b) => Buffer.compare(keys[a] as Uint8Array, keys[b] as Uint8Array))
  for (const { name, open } of KINDS) {
    const [forwards, backwards] = [open(), open()]
    for (const [row, key] of keys.entries()) forwards.set(row, key, vector)
    for (const [row, key] of [...keys.entries()].toReversed()) backwards.set(row, key, vector)
    for (const scan of [forwards, backwards]) {
      const labels = scan.search(vector, 40, null).map(({ label }) => label)
      t.alike(labels, byKey.slice(0, 40), name)
    }
  }
})

test('search - answers stay right while rows come, change and go over several chunks', (t) => {
  const random = seededRandom(3)
  const question = bellVector(random)
  for (const { name, open } of KINDS.filter(
    ({ name }) => name === available[0] || name === 'plain'
  )) {
    const scan = open()
    const model = new Map<number, Float32Array>()
    const check = (): void => {
      const entries = [...model]
      const expected = bruteForce(
        entries.map(([, vector]) => vector),
        question
      )
      const labels = expected.slice(0, 5).map(({ row }) => entries[row]?.[0])
      t.is(scan.size, model.size)
      t.alike(
        scan.search(question, 5, null).map(({ label }) => label),
        labels,
        name
      )
    }
    for (let step = 0; step < 16_000; step++) {
      const label = random.uint32() % 9000
      if (random.uint32() % 3 === 0) {
        scan.remove(label)
        model.delete(label)
      } else {
        const vector = jitter(random, question, 0.1)
        if (!scan.set(label, keyOf(label), vector)) t.fail()
        model.set(label, vector)
      }
      if (step % 4000 === 3999) check()
    }
    for (const label of [...model.keys()].slice(3)) {
      scan.remove(label)
      model.delete(label)
    }
    check()
    scan.close()
  }
})

test('search - memory follows the rows up and down', (t) => {
  const vector = bellVector(seededRandom(1))
  const scan = new NativeVectorScan()
  t.is(scan.sizeBytes, 0)
  for (let row = 0; row < 20_000; row++) scan.set(row, keyOf(0), vector)
  // 1340 bytes a row and 4 a label, with at most one chunk of 4096 rows too many.
  t.ok(
    scan.sizeBytes >= 20_000 * 1344 && scan.sizeBytes < 25_000 * 1350 + 2 ** 18,
    `${scan.sizeBytes}`
  )
  for (let row = 100; row < 20_000; row++) scan.remove(row)
  t.ok(scan.sizeBytes < 2 * 4096 * 1350 + 2 ** 18, `${scan.sizeBytes}`)
  scan.close()
})

test('search - only allowed rows are found, and no more than there are', (t) => {
  const set = hardSets()[4] as VectorSet
  const question = set.questions[0] as Float32Array
  const allowed = Uint8Array.from(set.rows, (_, row) => (row % 50 === 7 ? 1 : 0))
  for (const { open } of KINDS) {
    const scan = filled(open, set)
    const expected = bruteForce(set.rows, question).filter(({ row }) => row % 50 === 7)
    const found = scan.search(question, 1000, allowed).map(({ label }) => label)
    t.alike(
      found,
      expected.map(({ row }) => row)
    )
    t.alike(scan.search(question, 10, new Uint8Array(0)), [])
    t.alike(scan.search(question, 0, null), [])
    t.is(scan.search(question, 5000, null).length, set.rows.length)
    t.is(scan.score(question, found[0] as number), scan.search(question, 1, allowed)[0]?.score)
    t.is(scan.score(question, 3001), null)
  }
})

test('search - a vector that is not finite or not of length 1 changes nothing', (t) => {
  const good = bellVector(seededRandom(5))
  const bad = [NaN, Infinity, -Infinity, 1e30, 0.9].map((value) =>
    good.map((x, k) => (k === 77 ? value : x))
  )
  bad.push(
    good.map((x) => x * 1.01),
    new Float32Array(EMBEDDING_DIM)
  )
  for (const { open } of KINDS) {
    const scan = open()
    t.ok(scan.set(0, keyOf(0), good))
    for (const vector of bad) {
      t.absent(scan.set(0, keyOf(0), vector))
      t.absent(scan.set(1, keyOf(1), vector))
      t.alike(scan.search(vector, 3, null), [])
    }
    t.is(scan.size, 1)
    t.is(scan.search(good, 3, null)[0]?.label, 0)
  }
})

function refuses(t: Test, call: () => unknown, wanted: RegExp): void {
  try {
    call()
    t.fail('was accepted')
  } catch (error) {
    t.ok(wanted.test(String(error)), String(error))
  }
}

test('search - the addon refuses what is no vector, no key and no label', (t) => {
  const index = new addon.VectorIndex('scalar')
  const vector = bellVector(seededRandom(5))
  refuses(t, () => index.set(0, keyOf(0), vector.subarray(1)), /256 floats/)
  refuses(t, () => index.set(0, keyOf(0).subarray(1), vector), /48 bytes/)
  refuses(t, () => index.set(2 ** 24, keyOf(0), vector), /label/)
  refuses(t, () => index.search(vector.subarray(1), 1, null), /256 floats/)
  index.close()
  refuses(t, () => index.size(), /closed/)
})

test('search bound - holds for vectors whose codes err as far as they can, in the same direction', (t) => {
  const random = seededRandom(21)
  let nearest = Infinity
  for (let round = 0; round < 4000; round++) {
    const steps = 1 + (random.uint32() % 127)
    const side = () => ((random.uint32() & 1) === 0 ? 1 : -1)
    const signs = Array.from({ length: EMBEDDING_DIM }, side)
    // Elements half a step off their codes, all to the side that the other vector points to.
    const halfway = (fraction: number) =>
      toUnit(
        signs.map((sign, k) => (k === 0 ? 127 : sign * ((random.uint32() % steps) + fraction)))
      )
    const vector = halfway(0.4999)
    const question = round % 2 === 0 ? toUnit(signs) : halfway(round % 4 === 1 ? 0.4999 : 0.5001)
    for (const table of available) {
      const index = new addon.VectorIndex(table)
      index.set(0, keyOf(0), vector)
      const score = index.score(question, 0) as number
      const [lower, upper] = index.bounds(question, 0) as [number, number]
      if (!(lower <= score && score <= upper)) t.fail(`${table}: ${lower} ${score} ${upper}`)
      nearest = Math.min(
        nearest,
        (upper - score) / (upper - lower),
        (score - lower) / (upper - lower)
      )
      index.close()
    }
  }
  // The bound is no larger than it has to be: somebody comes close to it.
  t.ok(nearest < 0.1, `within ${nearest} of the width`)
})

test('search bound - leaves out most rows and loses none', (t) => {
  const set = hardSets()[4] as VectorSet
  const index = new addon.VectorIndex(available[0] as string)
  for (const [row, vector] of set.rows.entries()) index.set(row, keyOf(row), vector)
  for (const question of set.questions) {
    index.search(question, 10, null)
    t.ok(index.refined() >= 10 && index.refined() < set.rows.length / 10, `${index.refined()}`)
  }
})
