import test from 'brittle'

import { PlanWatch } from '../../src/node/plan-watch.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { keyOf, toRecord } from '../helpers/views.ts'

import type { Plan } from '../../src/sharding/plan.ts'
import type { ModelFacts } from '../../src/sharding/facts.ts'
import type { PeerRecord } from '../../src/wire/record.ts'

const facts: ModelFacts = {
  id: 'ab'.repeat(32),
  nLayers: 4,
  dim: 256,
  layerKiB: [1000, 1000, 1000, 1000],
  activeKiB: [1000, 1000, 1000, 1000],
  embeddingKiB: 0,
  headKiB: 0,
  tied: false,
  kvBytesPerToken: 1024,
  contextTokens: 64
}

function record(digit: string, changes: Partial<PeerRecord> = {}): PeerRecord {
  const peer = { key: keyOf(digit), memoryKiB: 5000, weightMiBps: 1024, pin: null }
  return toRecord(peer, facts, changes)
}

function setUp(...records: PeerRecord[]) {
  const clock = new FakeClock()
  const world = {
    records,
    reachable: null as PeerRecord[] | null,
    isMeasuring: false,
    isSettling: false,
    plans: [] as Plan[]
  }
  const watch = new PlanWatch({
    facts,
    arithmeticVersion: 1,
    records: () => world.records,
    reachable: () => world.reachable ?? world.records,
    isMeasuring: () => world.isMeasuring,
    isSettling: () => world.isSettling,
    clock,
    onPlan: (plan) => world.plans.push(plan)
  })
  return Object.assign(world, { clock, watch })
}

const peersOf = (plan: Plan | undefined) => plan?.stages.map(({ peer }) => peer[0]).join('')

test('plan watch - plans once it has been quiet, not before', (t) => {
  const { clock, watch, plans } = setUp(record('a'))
  t.is(watch.plan, null)
  t.is(watch.readiness(), null)
  watch.stir()
  clock.advance(399)
  t.is(plans.length, 0)
  clock.advance(1)
  t.is(peersOf(plans[0]), 'a')
  t.is(watch.plan, plans[0])
})

test('plan watch - no plan before this peer has been measured, however long it takes', (t) => {
  const world = setUp(record('a', { profile: null }))
  world.isMeasuring = true
  world.watch.stir()
  world.clock.advance(60_000)
  t.alike([world.plans.length, world.watch.plan], [0, null])
  world.isMeasuring = false
  world.records = [record('a')]
  world.watch.stir()
  world.clock.advance(400)
  t.is(peersOf(world.plans[0]), 'a')
})

test('plan watch - a peer that cannot compute plans with the others once that is known', (t) => {
  const world = setUp(record('a', { profile: null }), record('b'))
  world.isMeasuring = true
  world.watch.stir()
  world.clock.advance(5_000)
  world.isMeasuring = false
  world.watch.stir()
  world.clock.advance(5_000)
  t.is(peersOf(world.plans[0]), 'b')
})

test('plan watch - a newcomer starts the quiet time again, layers that load do not', (t) => {
  const world = setUp(record('a'))
  const { clock, watch, plans } = world
  watch.stir()
  clock.advance(300)
  world.records = [record('a'), record('b')]
  watch.stir()
  for (let percent = 0; percent < 4; percent++) {
    clock.advance(100)
    const loading = { range: { start: 0, end: 2 }, percent }
    world.records = [record('a', { loading, seq: 2 + percent }), record('b')]
    watch.stir()
  }
  t.is(plans.length, 1, '400 ms after the newcomer, whatever else was told')
})

test('plan watch - news that changes no plan plans nothing', (t) => {
  const world = setUp(record('a'))
  const { clock, watch, plans } = world
  watch.stir()
  clock.advance(400)
  world.records = [record('a', { held: [{ start: 0, end: 4 }], seq: 2 })]
  watch.stir()
  clock.advance(10_000)
  t.is(plans.length, 1)
})

test('plan watch - another view with the same plan is not told', (t) => {
  const slow = toRecord({ key: keyOf('b'), memoryKiB: 10, weightMiBps: 64, pin: null }, facts)
  const world = setUp(record('a'))
  const { clock, watch, plans } = world
  watch.stir()
  clock.advance(400)
  world.records = [record('a'), slow]
  watch.stir()
  clock.advance(400)
  t.is(plans.length, 1)
  t.is(watch.plan?.leftOut.length, 1, 'though the newest is kept')
})

test('plan watch - news without end delays a plan by three seconds at most', (t) => {
  const world = setUp(record('a'))
  const { clock, watch, plans } = world
  for (let i = 0; i < 30; i++) {
    world.records = [record('a', { pin: { start: i % 2, end: 4 } })]
    watch.stir()
    if (plans.length > 0) break
    clock.advance(300)
  }
  t.is(plans.length, 1)
  t.is(clock.now(), 3000)
})

test('plan watch - a peer that still measures is waited for', (t) => {
  const world = setUp(record('a'), record('b', { profile: null }))
  const { clock, watch, plans } = world
  watch.stir()
  clock.advance(1500)
  t.is(plans.length, 0)
  world.records = [record('a', { pin: { start: 0, end: 2 } }), record('b')]
  watch.stir()
  clock.advance(400)
  t.is(peersOf(plans[0]), 'ab')
})

test('plan watch - one that is never measured is given up, once and for all', (t) => {
  const world = setUp(record('a'), record('b', { profile: null }))
  const { clock, watch, plans } = world
  watch.stir()
  clock.advance(2999)
  t.is(plans.length, 0)
  clock.advance(401)
  t.is(peersOf(plans[0]), 'a')
  world.records = [record('c'), record('b', { profile: null })]
  watch.stir()
  clock.advance(400)
  t.is(peersOf(plans[1]), 'c', 'the next plan does not wait for it')
})

test('plan watch - a peer without this model is not waited for', (t) => {
  const { clock, watch, plans } = setUp(record('a'), record('b', { profile: null, model: null }))
  watch.stir()
  clock.advance(400)
  t.is(plans.length, 1)
})

test('plan watch - readiness is of the peers within reach', (t) => {
  const held = { start: 0, end: 4 }
  const world = setUp(record('a', { held: [held] }))
  const { clock, watch } = world
  watch.stir()
  clock.advance(400)
  t.is(watch.readiness()?.state, 'ready')
  world.reachable = []
  t.is(watch.readiness()?.state, 'loading')
  t.is(watch.readiness()?.text, 'layers 0-3 are awaited from aaaaaaaa (out of reach)')
  world.reachable = [record('b', { held: [held] })]
  t.alike(watch.readiness()?.stages, [{ peer: keyOf('b'), ...held }])
})

test('plan watch - a plan is settled once all its stages were held, until there is another', (t) => {
  const held = [{ start: 0, end: 4 }]
  const world = setUp(record('a'), record('b'))
  const { clock, watch } = world
  t.is(watch.isSettled(), false, 'there is no plan')
  watch.stir()
  clock.advance(400)
  t.is(peersOf(world.plans[0]), 'a')
  world.records = [record('a'), record('b', { held })]
  t.is(watch.readiness()?.state, 'ready')
  t.is(watch.isSettled(), false, 'ready, but not as planned')
  world.records = [record('a', { held, own: held, seq: 2 }), record('b', { held })]
  t.is(watch.isSettled(), true)
  world.reachable = []
  t.is(watch.isSettled(), true, 'a peer that is lost changes it not')
  world.records = [record('b', { held, seq: 3 })]
  watch.stir()
  clock.advance(400)
  t.is(peersOf(world.plans[1]), 'b')
  t.is(watch.isSettled(), false)
})

test('plan watch - closed, it plans no more', (t) => {
  const { clock, watch, plans } = setUp(record('a'))
  watch.stir()
  watch.close()
  watch.stir()
  clock.advance(10_000)
  t.is(plans.length, 0)
})

test('plan watch - a link that is being measured is waited for, and not for ever', (t) => {
  const world = setUp(record('a'))
  world.isSettling = true
  world.watch.stir()
  world.clock.advance(1000)
  t.is(world.plans.length, 0)
  world.isSettling = false
  world.clock.advance(400)
  t.is(world.plans.length, 1)

  const patient = setUp(record('a'))
  patient.isSettling = true
  patient.watch.stir()
  patient.clock.advance(3000)
  t.is(patient.plans.length, 1)
})
