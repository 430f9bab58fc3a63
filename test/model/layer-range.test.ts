// Sets of layers as ranges, against the slow truth: a set of numbers.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import {
  containsAll,
  formatRanges,
  intersect,
  normalise,
  sameLayers,
  subtract,
  union
} from '../../src/model/layer-range.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'

const N_LAYERS = 12
const random = seededRandom(77)

function randomRanges(): LayerRange[] {
  return Array.from({ length: below(random, 5) }, () => {
    const start = below(random, N_LAYERS)
    return { start, end: start + below(random, N_LAYERS + 1 - start) }
  })
}

const pairs = Array.from({ length: 2000 }, () => [randomRanges(), randomRanges()] as const)

function layersOf(ranges: readonly LayerRange[]): number[] {
  const all = Array.from({ length: N_LAYERS }, (_, layer) => layer)
  return all.filter((layer) => ranges.some(({ start, end }) => start <= layer && layer < end))
}

/** The only normal form of these layers. */
function normalOf(layers: readonly number[]): LayerRange[] {
  const ranges: LayerRange[] = []
  for (const layer of layers) {
    const last = ranges.at(-1)
    if (last?.end === layer) ranges[ranges.length - 1] = { start: last.start, end: layer + 1 }
    else ranges.push({ start: layer, end: layer + 1 })
  }
  return ranges
}

test('layer range - the made ranges overlap, touch, are empty and lie apart', (t) => {
  const all = pairs.flatMap(([a]) => [a])
  t.ok(all.some((ranges) => ranges.length === 0))
  t.ok(all.some((ranges) => ranges.some(({ start, end }) => start === end)))
  t.ok(all.some((ranges) => normalise(ranges).length >= 3))
  t.ok(pairs.some(([a, b]) => a.length > 1 && containsAll(b, a)))
})

test('layer range - a set of layers has one normal form', (t) => {
  for (const [a] of pairs) t.alike(normalise(a), normalOf(layersOf(a)))
})

test('layer range - union, intersection and difference are those of the sets', (t) => {
  for (const [a, b] of pairs) {
    const [ours, theirs] = [layersOf(a), new Set(layersOf(b))]
    t.alike(layersOf(union(a, b)), layersOf([...a, ...b]))
    t.alike(intersect(a, b), normalOf(ours.filter((layer) => theirs.has(layer))))
    t.alike(subtract(a, b), normalOf(ours.filter((layer) => !theirs.has(layer))))
  }
})

test('layer range - one set contains another when no layer is missing', (t) => {
  for (const [a, b] of pairs) {
    const outer = new Set(layersOf(a))
    const isWithin = layersOf(b).every((layer) => outer.has(layer))
    t.is(containsAll(a, b), isWithin)
    t.is(sameLayers(a, b), isWithin && outer.size === layersOf(b).length)
  }
})

test('layer range - what was given stays as it was', (t) => {
  const given = [
    { start: 4, end: 6 },
    { start: 0, end: 5 }
  ]
  t.alike(normalise(given), [{ start: 0, end: 6 }])
  t.alike(subtract(given, [{ start: 1, end: 3 }]), [
    { start: 0, end: 1 },
    { start: 3, end: 6 }
  ])
  t.alike(given[0], { start: 4, end: 6 })
})

test('layer range - several are written with both ends included', (t) => {
  t.is(
    formatRanges([
      { start: 0, end: 12 },
      { start: 20, end: 21 }
    ]),
    '0-11, 20-20'
  )
  t.is(formatRanges([]), 'none')
})
