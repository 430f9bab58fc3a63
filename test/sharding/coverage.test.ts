import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { readiness } from '../../src/sharding/coverage.ts'
import { shortestCover } from '../../src/sharding/cover.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { createView } from '../../src/sharding/view.ts'
import { keyOf, randomModel, shuffled, toRecord } from '../helpers/views.ts'

import type { PeerRecord } from '../../src/wire/record.ts'

const random = seededRandom(4)
const model = { ...randomModel(random, 1), nLayers: 8 }
model.layerKiB = Array.from({ length: 8 }, () => 100_000)
model.activeKiB = model.layerKiB

function peer(digits: string, share: number, held: [number, number] | null) {
  const memoryKiB = Math.floor(share * 8 * 300_000)
  const viewPeer = { key: keyOf(digits), memoryKiB, weightMiBps: 10_000, pin: null }
  const range = held === null ? null : { start: held[0], end: held[1] }
  return toRecord(viewPeer, model, { held: range ? [range] : [] })
}

/** A peer that holds several ranges. */
function holder(digits: string, ...held: [number, number][]) {
  const ranges = held.map(([start, end]) => ({ start, end }))
  return toRecord({ key: keyOf(digits), memoryKiB: 1, weightMiBps: 10_000, pin: null }, model, {
    held: ranges
  })
}

function readinessOf(...records: PeerRecord[]) {
  return readiness(model, 1, computePlan(createView(model, 1, records)), records)
}

test('cover - takes the span that reaches furthest and names what is missing', (t) => {
  const spans = [
    { peer: keyOf('a'), start: 0, end: 3 },
    { peer: keyOf('b'), start: 1, end: 4 },
    { peer: keyOf('c'), start: 0, end: 2 },
    { peer: keyOf('d'), start: 6, end: 8 },
    { peer: keyOf('e'), start: 6, end: 8 }
  ]
  const expected = {
    stages: [
      { peer: keyOf('a'), start: 0, end: 3 },
      { peer: keyOf('b'), start: 3, end: 4 },
      { peer: keyOf('d'), start: 6, end: 8 }
    ],
    missing: [
      { start: 4, end: 6 },
      { start: 8, end: 10 }
    ]
  }
  for (let i = 0; i < 10; i++) t.alike(shortestCover(10, shuffled(random, spans)), expected)
})

test('coverage - a claim of layers that the model has not is no claim', (t) => {
  for (const held of [
    [0, 9],
    [0, 1024],
    [4, 1024]
  ] as [number, number][]) {
    const liar = peer('b', 0.1, held)
    const { state, stages } = readinessOf(liar, peer('a', 0.1, [0, 4]), peer('c', 1.5, [4, 8]))
    t.is(state, 'ready')
    t.alike(stages, [
      { peer: keyOf('a'), start: 0, end: 4 },
      { peer: keyOf('c'), start: 4, end: 8 }
    ])
  }
})

test('coverage - ready when every planned stage is held', (t) => {
  const ready = readinessOf(peer('a', 1.5, [0, 8]))
  t.is(ready.state, 'ready')
  t.alike(ready.stages, [{ peer: keyOf('a'), start: 0, end: 8 }])
})

test('coverage - ready over other peers while the planned layers load', (t) => {
  const ready = readinessOf(peer('a', 1.5, null), peer('b', 0.5, [0, 5]), peer('c', 0.5, [4, 8]))
  t.is(ready.state, 'ready')
  t.alike(ready.stages, [
    { peer: keyOf('b'), start: 0, end: 5 },
    { peer: keyOf('c'), start: 5, end: 8 }
  ])
})

test('coverage - every range of a peer counts, and a peer may serve several', (t) => {
  const [a, b] = [keyOf('a'), keyOf('b')]
  const plan = {
    ...computePlan(createView(model, 1, [])),
    stages: [{ peer: keyOf('9'), start: 0, end: 8 }]
  }
  const over = (...records: PeerRecord[]) => readiness(model, 1, plan, records)
  const ready = over(holder('a', [0, 3], [6, 8]), holder('b', [0, 1], [3, 8]))
  t.is(ready.state, 'ready')
  t.is(ready.asPlanned, false)
  t.alike(ready.stages, [
    { peer: a, start: 0, end: 3 },
    { peer: b, start: 3, end: 8 }
  ])
  const twice = over(holder('a', [0, 3], [6, 8]), holder('b', [3, 6]))
  t.alike(twice.stages, [
    { peer: a, start: 0, end: 3 },
    { peer: b, start: 3, end: 6 },
    { peer: a, start: 6, end: 8 }
  ])
})

test('coverage - as planned when each stage is within what its peer holds, standbys or not', (t) => {
  const plan = {
    ...computePlan(createView(model, 1, [])),
    stages: [
      { peer: keyOf('a'), start: 0, end: 3 },
      { peer: keyOf('b'), start: 3, end: 8 }
    ]
  }
  const isPlanned = (...records: PeerRecord[]) => readiness(model, 1, plan, records).asPlanned
  t.ok(isPlanned(holder('a', [0, 4], [6, 8]), holder('b', [0, 1], [3, 8])))
  t.absent(isPlanned(holder('a', [0, 2], [6, 8]), holder('b', [0, 1], [3, 8])))
})

test('coverage - loading names the layers and who is loading them', (t) => {
  const loading = { range: { start: 0, end: 8 }, percent: 40 }
  const record = { ...peer('a', 1.5, [0, 3]), loading }
  const waiting = readinessOf(record)
  t.is(waiting.state, 'loading')
  t.alike(waiting.missing, [{ start: 3, end: 8 }])
  t.is(waiting.text, 'layers 3-7 are awaited from aaaaaaaa (40 % loaded)')
})

test('coverage - a gap says that a machine is needed', (t) => {
  const gap = readinessOf(peer('a', 0.2, [0, 1]))
  t.is(gap.state, 'gap')
  t.ok(/has room for layers .*: let another machine join/.test(gap.text))
})

test('coverage - layers of another model, another arithmetic or of who left do not count', (t) => {
  const full = peer('a', 1.5, [0, 8])
  const others: Partial<PeerRecord>[] = [
    { left: true },
    { arithmeticVersion: 2 },
    { model: { id: '00'.repeat(32), name: 'x', givesWay: false } }
  ]
  for (const changes of others) {
    t.is(readinessOf({ ...full, ...changes }).state, 'gap')
  }
})
