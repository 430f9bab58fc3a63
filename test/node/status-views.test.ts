import test from 'brittle'

import { peerStatus, planStatus } from '../../src/node/status-views.ts'
import { seededRandom } from '../../src/base/random.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { createView } from '../../src/sharding/view.ts'
import { keyOf, randomModel, toRecord } from '../helpers/views.ts'

import type { LinkInfo } from '../../src/peer/network-options.ts'

const model = { ...randomModel(seededRandom(2), 4), nLayers: 2 }
model.layerKiB = [1000, 1000]
model.activeKiB = model.layerKiB
model.embeddingKiB = 0
model.headKiB = 0
model.kvBytesPerToken = 0

const view = { key: keyOf('a'), memoryKiB: 5000, weightMiBps: 1024, pin: { start: 0, end: 2 } }
const record = toRecord(view, model, {
  name: 'attic',
  held: [{ start: 0, end: 1 }],
  own: [],
  loading: { range: { start: 0, end: 2 }, percent: 30 }
})
const link = {
  peer: keyOf('a'),
  host: '10.0.0.2',
  rttMs: 0.4,
  lane: 'tcp',
  clockSkewMs: 7
} as LinkInfo
const links = new Map([[keyOf('a'), link]])

test('status views - a linked peer with everything that is known of it', (t) => {
  t.alike(peerStatus({ record, state: 'alive' }, keyOf('b'), links), {
    key: keyOf('a'),
    name: 'attic',
    self: false,
    state: 'alive',
    model: 'model.gguf',
    held: [{ start: 0, end: 1 }],
    standby: [{ start: 0, end: 1 }],
    loading: { start: 0, end: 2, percent: 30 },
    pin: { start: 0, end: 2 },
    memoryBytes: 5000 * 1024,
    weightBytesPerSecond: 2 ** 30,
    kernels: 'scalar',
    rttMs: 0.4,
    lane: 'tcp',
    host: '10.0.0.2',
    clockSkewMs: 7,
    version: record.programVersion,
    arithmeticVersion: 1
  })
})

test('status views - a peer known by gossip alone has no lane; one that measures no figures', (t) => {
  const status = peerStatus(
    { record: { ...record, profile: null, loading: null, model: null }, state: 'left' },
    keyOf('b'),
    new Map()
  )
  t.alike([status.state, status.lane, status.rttMs, status.host], ['left', null, null, null])
  t.alike([status.memoryBytes, status.weightBytesPerSecond, status.kernels], [0, 0, ''])
  t.alike([status.loading, status.model], [null, null])
})

test('status views - this peer is itself, and alive whatever its own record says', (t) => {
  const status = peerStatus({ record, state: 'left' }, keyOf('a'), new Map())
  t.alike([status.self, status.state, status.lane], [true, 'alive', 'self'])
})

test('status views - before the first plan there is none', (t) => {
  const none = planStatus(null, null)
  t.alike([none.hash, none.predicted, none.ready], [null, null, false])
  t.alike([none.stages, none.gap, none.leftOut], [[], [], []])
})

test('status views - a plan is told in milliseconds, and as ready only when it is', (t) => {
  const plan = computePlan(createView(model, 1, [record]))
  const ready = {
    state: 'ready' as const,
    asPlanned: true,
    stages: plan.stages,
    missing: [],
    text: ''
  }
  const status = planStatus(plan, ready)
  t.alike(status.stages, [{ peer: keyOf('a'), start: 0, end: 2 }])
  t.is(status.predicted?.tokenMs, (plan.predicted?.tokenUs ?? 0) / 1000)
  t.alike(
    status.predicted?.perStageMs,
    plan.predicted?.perStageUs.map((us) => us / 1000)
  )
  t.ok((status.predicted?.tokenMs ?? 0) > 1.9 && (status.predicted?.tokenMs ?? 0) < 2)
  t.is(status.ready, true)
  t.is(planStatus(plan, { ...ready, state: 'loading' }).ready, false)
})

test('status views - a plan that streams says who reads how much', (t) => {
  const nLayers = 8
  const layerKiB = Array.from({ length: nLayers }, () => 2 ** 20)
  const large = { ...model, nLayers, layerKiB, activeKiB: layerKiB }
  const { profile } = record
  const small = { ...record, pin: null, profile: profile && { ...profile, memoryKiB: 7 * 2 ** 20 } }
  const disk = { ...small, profile: small.profile && { ...small.profile, diskMiBps: 2896 } }
  const streamedOf = (one: typeof record) =>
    planStatus(computePlan(createView(large, 1, [one])), null).streamed
  // Seven attentions, which make the room of one layer.
  const sizeKiB = 7 * (2 ** 20 - 2 ** 19 - Math.floor(2 ** 20 / 3))
  t.alike(streamedOf(disk), [{ peer: keyOf('a'), parts: 7, layers: 7, sizeKiB }])
  t.alike(streamedOf(small), [])
})

test('status views - a gap is named', (t) => {
  const status = planStatus(computePlan(createView(model, 1, [])), null)
  t.alike(status.gap, [{ start: 0, end: 2 }])
  t.alike([status.predicted, status.ready], [null, false])
})
