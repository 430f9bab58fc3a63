import test from 'brittle'

import { PEERS_MAX } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createView, isPlannable, viewHash } from '../../src/sharding/view.ts'
import { keyOf, randomModel, randomPeers, shuffled, toRecord } from '../helpers/views.ts'

import type { PeerRecord } from '../../src/wire/record.ts'

const random = seededRandom(1)
const model = randomModel(random, 20)
const peers = randomPeers(random, model, 6)

function view(records: PeerRecord[]) {
  return createView(model, 1, records)
}

test('view - records in any order give one hash', (t) => {
  const records = peers.map((peer) => toRecord(peer, model))
  const hash = viewHash(view(records))
  t.ok(/^[0-9a-f]{64}$/.test(hash))
  for (let i = 0; i < 20; i++) t.is(viewHash(view(shuffled(random, records))), hash)
})

test('view - of two records of one peer the newer counts', (t) => {
  const [peer] = peers as [(typeof peers)[0]]
  const old = toRecord(peer, model, { seq: 4 })
  const gone = toRecord(peer, model, { seq: 5, left: true })
  t.is(view([old, gone]).peers.length, 0)
  t.is(view([gone, old]).peers.length, 0)
  t.is(view([old]).peers.length, 1)
})

test('view - who cannot take part is not in it', (t) => {
  const [peer] = peers as [(typeof peers)[0]]
  const profile = toRecord(peer, model).profile!
  const without: [string, Partial<PeerRecord>][] = [
    ['left', { left: true }],
    ['has another model', { model: { id: '00'.repeat(32), name: 'x', givesWay: false } }],
    ['has no model', { model: null }],
    ['has another arithmetic', { arithmeticVersion: 2 }],
    ['is not measured', { profile: null }],
    ['is too slow', { profile: { ...profile, weightMiBps: 31 } }],
    ['claims too fast', { profile: { ...profile, weightMiBps: 2 ** 26 + 1 } }],
    ['claims half a MiB/s', { profile: { ...profile, weightMiBps: 100.5 } }],
    ['claims half a MiB/s of disk', { profile: { ...profile, diskMiBps: 0.5 } }],
    ['claims half an operation', { profile: { ...profile, int8Mops: 0.5 } }],
    ['has no memory', { profile: { ...profile, memoryKiB: 0 } }],
    ['claims too much memory', { profile: { ...profile, memoryKiB: 2 ** 36 + 1 } }]
  ]
  for (const [name, changes] of without)
    t.is(view([toRecord(peer, model, changes)]).peers.length, 0, name)
})

test('view - a pin that this model does not have is ignored', (t) => {
  const [peer] = peers as [(typeof peers)[0]]
  const pinned = (start: number, end: number) =>
    view([toRecord(peer, model, { pin: { start, end } })]).peers[0]?.pin
  t.alike(pinned(0, 1), { start: 0, end: 1 })
  t.is(pinned(0, model.nLayers + 1), null)
  t.is(pinned(1, 1), null)
  t.is(pinned(-1, 1), null)
})

test('view - of what is held the own stage is told from what stands by', (t) => {
  const [peer] = peers as [(typeof peers)[0]]
  const seen = (changes: Partial<PeerRecord>) => {
    const { held, standby, isMoving } = view([toRecord(peer, model, changes)]).peers[0]!
    return [held, standby, isMoving]
  }
  const [own, other] = [
    { start: 0, end: 1 },
    { start: 2, end: 3 }
  ] as const
  t.ok(model.nLayers > 3)
  t.alike(seen({ held: [own, other], own: [own] }), [[own], [other], false])
  t.alike(seen({ held: [own, other], own: [] }), [[], [own, other], false])
  t.alike(seen({ held: [other], own: [own] }), [[], [other], true], 'on its way')
  t.alike(seen({ held: [{ start: 0, end: 3 }], own: [own] }), [
    [own],
    [{ start: 1, end: 3 }],
    false
  ])
  const beyond = { start: 5, end: model.nLayers + 1 }
  t.alike(seen({ held: [own, beyond], own: [beyond] }), [[], [own], false], 'of another model')
})

test('view - what a plan reads changes the hash, what it does not read leaves it', (t) => {
  const records = peers.map((peer) => toRecord(peer, model))
  const [first, ...others] = records as [PeerRecord]
  const hash = viewHash(view(records))
  const changed = (changes: Partial<PeerRecord>) =>
    viewHash(view([{ ...first, seq: 9, ...changes }, ...others])) !== hash
  t.ok(changed({ left: true }))
  t.ok(changed({ pin: { start: 0, end: 1 } }))
  t.ok(changed({ profile: { ...first.profile!, memoryKiB: 1 } }))
  t.ok(changed({ profile: { ...first.profile!, weightMiBps: 77_777 } }))
  t.ok(changed({ held: [{ start: 0, end: 1 }] }))
  t.ok(changed({ held: [{ start: 0, end: 1 }], own: [{ start: 0, end: 1 }] }))
  t.ok(changed({ profile: { ...first.profile!, int8Mops: 1 } }))
  t.absent(changed({ name: 'renamed' }))
  t.absent(changed({ loading: { range: { start: 0, end: 1 }, percent: 3 } }))
  for (const [key, value] of Object.entries({
    id: '01'.repeat(32),
    dim: 1,
    embeddingKiB: 1,
    headKiB: 1,
    tied: !model.tied,
    kvBytesPerToken: 1,
    contextTokens: 7,
    sessions: 2,
    layerKops: model.layerKiB
  })) {
    const other = { model: { ...model, [key]: value }, peers: view(records).peers }
    t.not(viewHash(other), hash, key)
  }
})

test('view - no more peers than the bound, the same ones everywhere', (t) => {
  const many = Array.from({ length: PEERS_MAX + 9 }, (_, i) =>
    toRecord({ ...peers[0]!, key: keyOf((i + 16).toString(16).padStart(4, '0')) }, model)
  )
  const all = view(many)
  t.is(all.peers.length, PEERS_MAX)
  t.alike(view(shuffled(random, many)), all)
})

test('view - sizes that would not stay whole numbers cannot be planned', (t) => {
  t.ok(isPlannable(model))
  t.absent(isPlannable({ ...model, layerKiB: model.layerKiB.slice(1) }))
  t.absent(isPlannable({ ...model, layerKiB: model.layerKiB.map(() => 2 ** 31) }))
  t.absent(isPlannable({ ...model, layerKiB: model.layerKiB.map(() => 0.5) }))
  t.absent(isPlannable({ ...model, activeKiB: model.layerKiB.map((size) => size + 1) }))
  t.absent(isPlannable({ ...model, headKiB: -1 }))
  t.absent(isPlannable({ ...model, layerKops: [1] }))
  t.absent(isPlannable({ ...model, layerKops: model.layerKiB.map(() => 2 ** 33) }))
  t.absent(isPlannable({ ...model, nLayers: 0, layerKiB: [], activeKiB: [] }))
})
