import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { seenRates } from '../../src/node/seen-rates.ts'
import { keyOf, randomModel } from '../helpers/views.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'
import type { ModelFacts, View } from '../../src/sharding/facts.ts'

const model: ModelFacts = {
  ...randomModel(seededRandom(1), 1),
  nLayers: 4,
  layerKiB: [65_536, 65_536, 65_536, 65_536],
  activeKiB: [65_536, 65_536, 65_536, 65_536],
  embeddingKiB: 0,
  headKiB: 65_536,
  kvBytesPerToken: 0
}

/** Two peers with room for so much. */
function viewOf(facts: ModelFacts, memoryKiB = 2 ** 20, held: LayerRange[] = []): View {
  const peer = { memoryKiB, weightMiBps: 10_000, diskMiBps: 2048, held, pin: null }
  return { model: facts, peers: ['a', 'b'].map((digit) => ({ key: keyOf(digit), ...peer })) }
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
  t.alike(seenRates(viewOf(model), result(11, [0, 1, 100], [1, 4, 100])), [
    { peer: keyOf('a'), mibps: 6400 },
    { peer: keyOf('b'), mibps: 25_600 }
  ])
})

test('seen rates - an answer of a few tokens tells nothing', (t) => {
  t.alike(seenRates(viewOf(model), result(8, [0, 4, 100])), [])
  t.alike(seenRates(viewOf(model), result(0)), [])
})

test('seen rates - a small stage tells nothing', (t) => {
  const small = { ...model, activeKiB: [65_535, 65_536, 65_536, 65_536] }
  t.is(seenRates(viewOf(small), result(11, [0, 1, 100], [1, 4, 100])).length, 1)
})

test('seen rates - no time and no such layers tell nothing', (t) => {
  t.alike(seenRates(viewOf(model), result(11, [0, 4, 0])), [])
  t.alike(seenRates(viewOf(model), result(11, [0, 5, 100])), [])
})

test('seen rates - a stage that reads from disk tells nothing of its memory', (t) => {
  const answer = result(11, [0, 3, 100])
  const threeLayers = 3 * 65_536
  t.is(seenRates(viewOf(model, threeLayers), answer).length, 1)
  t.alike(seenRates(viewOf(model, threeLayers - 1), answer), [])
  const all = [{ start: 0, end: 4 }]
  t.alike(
    seenRates(viewOf(model, threeLayers, all), answer),
    [],
    'nor where a route uses a part of it'
  )
})

test('seen rates - with more declared than there is room for, the usual reserve tells who streams', (t) => {
  const usual = { contextTokens: model.contextTokens, sessions: 1 }
  const declared = { ...model, kvBytesPerToken: 1024, contextTokens: 2 ** 20 }
  const view = { ...viewOf(declared), usual: { ...usual, contextTokens: 1024 } }
  t.is(seenRates(view, result(11, [0, 3, 100])).length, 1)
})

test('seen rates - of a machine that is not in the view nothing is told', (t) => {
  t.alike(seenRates({ ...viewOf(model), peers: [] }, result(11, [0, 3, 100])), [])
})
