import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { seenRates } from '../../src/node/seen-rates.ts'
import { keyOf, randomModel } from '../helpers/views.ts'

import type { ModelFacts } from '../../src/sharding/facts.ts'

const model: ModelFacts = {
  ...randomModel(seededRandom(1), 1),
  nLayers: 4,
  layerKiB: [65_536, 65_536, 65_536, 65_536],
  activeKiB: [65_536, 65_536, 65_536, 65_536],
  embeddingKiB: 0,
  headKiB: 65_536,
  kvBytesPerToken: 0
}

function result(nTokens: number, ...hops: [start: number, end: number, computeMs: number][]) {
  const perHop = hops.map(([start, end, computeMs], index) => ({
    peer: keyOf('ab'[index] as string),
    start,
    end,
    computeMs,
    queueMs: 0,
    wireMs: 0
  }))
  const timing = { prefillMs: 0, decodeMs: 0, tokensPerSecond: 0, perHop, losses: [] }
  return { ids: Array.from({ length: nTokens }, () => 1), timing }
}

test('seen rates - of each stage, the head with the last one', (t) => {
  // 10 steps in 100 ms: 64 MiB in 10 ms, and 4 times as much.
  t.alike(seenRates(model, result(11, [0, 1, 100], [1, 4, 100])), [
    { peer: keyOf('a'), mibps: 6400 },
    { peer: keyOf('b'), mibps: 25_600 }
  ])
})

test('seen rates - an answer of a few tokens tells nothing', (t) => {
  t.alike(seenRates(model, result(8, [0, 4, 100])), [])
  t.alike(seenRates(model, result(0)), [])
})

test('seen rates - a small stage tells nothing', (t) => {
  const small = { ...model, activeKiB: [65_535, 65_536, 65_536, 65_536] }
  t.is(seenRates(small, result(11, [0, 1, 100], [1, 4, 100])).length, 1)
})

test('seen rates - no time and no such layers tell nothing', (t) => {
  t.alike(seenRates(model, result(11, [0, 4, 0])), [])
  t.alike(seenRates(model, result(11, [0, 5, 100])), [])
})
