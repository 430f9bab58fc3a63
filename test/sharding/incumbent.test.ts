import test from 'brittle'

import { given } from '../../src/base/given.ts'
import { seededRandom } from '../../src/base/random.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { keyOf, randomModel } from '../helpers/views.ts'

import type { ModelFacts, ViewPeer } from '../../src/sharding/facts.ts'

const model: ModelFacts = {
  ...randomModel(seededRandom(1), 1),
  nLayers: 8,
  layerKiB: Array.from({ length: 8 }, () => 1_000_000),
  activeKiB: Array.from({ length: 8 }, () => 1_000_000),
  embeddingKiB: 0,
  headKiB: 0,
  kvBytesPerToken: 0
}

function peer(digit: string, weightMiBps: number, held: [number, number] | null): ViewPeer {
  return {
    key: keyOf(digit),
    memoryKiB: 5_000_000,
    weightMiBps,
    pin: null,
    held: held ? [{ start: held[0], end: held[1] }] : []
  }
}

function planOf(...peers: ViewPeer[]): string {
  const { stages } = computePlan({ model, peers })
  return stages.map(({ peer, start, end }) => `${peer[0]}:${start}-${end - 1}`).join(' ')
}

test('incumbent - without held layers the fastest plan is the plan', (t) => {
  t.is(planOf(peer('a', 10_000, null), peer('b', 11_000, null)), 'a:0-2 b:3-7')
})

test('incumbent - what is held stays while the fastest is less than 8 % faster', (t) => {
  t.is(planOf(peer('a', 10_000, [0, 5]), peer('b', 11_000, [5, 8])), 'a:0-4 b:5-7')
})

test('incumbent - a larger gain moves the layers', (t) => {
  t.is(planOf(peer('a', 10_000, [0, 5]), peer('b', 20_000, [5, 8])), 'a:0-2 b:3-7')
})

test('incumbent - ranges that do not cover all layers hold nobody back', (t) => {
  t.is(planOf(peer('a', 10_000, [0, 4]), peer('b', 11_000, [5, 8])), 'a:0-2 b:3-7')
})

test('incumbent - layers that stand by change no plan while all stages are held', (t) => {
  const [a, b] = [peer('a', 10_000, [0, 5]), peer('b', 11_000, [5, 8])]
  const c = { ...peer('c', 9000, null), memoryKiB: 5_000_000 }
  const before = planOf(a, b, c)
  t.is(before, 'a:0-4 b:5-7')
  const all = [
    { start: 0, end: 5 },
    { start: 5, end: 8 }
  ]
  t.is(planOf({ ...a, standby: [all[1]!] }, b, { ...c, standby: all.slice(0, 1) }), before)
})

test('incumbent - when a machine is gone, who stood by for it takes over as it is', (t) => {
  const a = peer('a', 10_000, [0, 5])
  const c = peer('c', 11_000, null)
  const standby = [{ start: 5, end: 8 }]
  t.is(planOf(a, { ...c, standby }), 'a:0-4 c:5-7')
  t.is(planOf(a, c), 'a:0-2 c:3-7', 'without it another split is the best')
  t.is(planOf(a, { ...c, standby, isMoving: true }), 'a:0-2 c:3-7', 'or while one is on its way')
  t.is(planOf(a, { ...c, weightMiBps: 20_000, standby }), 'a:0-2 c:3-7', 'or where much is lost')
})

test('incumbent - nobody takes over more than it has room for', (t) => {
  const a = peer('a', 10_000, [0, 3])
  const c = { ...peer('c', 11_000, null), standby: [{ start: 3, end: 8 }] }
  t.is(planOf(a, c), 'a:0-2 c:3-7')
  t.is(planOf(a, { ...c, memoryKiB: 4_000_000 }), 'a:0-3 c:4-7')
})

test('incumbent - a move that does not repay its bytes is not made', (t) => {
  // Layers that hold gigabytes of which a token reads little: 18 % faster is 400 s in 20,000 tokens.
  const vast = {
    ...model,
    layerKiB: model.layerKiB.map((size) => size * 100),
    activeKiB: model.layerKiB.map(() => 200_000)
  }
  const peers = [peer('a', 10_000, [0, 5]), peer('b', 20_000, [5, 8])].map((one) => ({
    ...one,
    memoryKiB: one.memoryKiB * 100
  }))
  const endsOf = (diskMiBps: number | undefined) => {
    const loading = peers.map((one) => ({ ...one, ...given({ diskMiBps }) }))
    return computePlan({ model: vast, peers: loading }).stages.map(({ end }) => end)
  }
  t.alike(endsOf(undefined), [5, 8])
  t.alike(endsOf(100), [5, 8])
  t.alike(endsOf(2 ** 22), [3, 8], 'unless they come in no time')
})

test('incumbent - stages that stream stay as they are, until another plan is much faster', (t) => {
  const streaming = (digit: string, diskMiBps: number, held: [number, number] | null) => ({
    ...peer(digit, 20_000, held),
    memoryKiB: 3_000_000,
    diskMiBps
  })
  const held = 'a:0-3 b:4-7'
  t.is(planOf(streaming('a', 2000, null), streaming('b', 2000, null)), held)
  t.is(planOf(streaming('a', 2000, null), streaming('b', 3100, null)), 'a:0-2 b:3-7')
  t.is(planOf(streaming('a', 2000, [0, 4]), streaming('b', 3100, [4, 8])), held, '3 % of a token')
  t.is(planOf(streaming('a', 2000, [0, 4]), streaming('b', 8000, [4, 8])), 'a:0-2 b:3-7')
})
