import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { STAGE_US } from '../../src/sharding/hops.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { createView, viewHash } from '../../src/sharding/view.ts'
import { keyOf, randomModel, shuffled, toRecord } from '../helpers/views.ts'

import type { ModelFacts } from '../../src/sharding/facts.ts'
import type { NeighbourRecord, PeerRecord, Profile } from '../../src/wire/record.ts'

const GIB = 2 ** 20

const model: ModelFacts = {
  ...randomModel(seededRandom(1), 1),
  nLayers: 8,
  layerKiB: Array.from({ length: 8 }, () => GIB),
  activeKiB: Array.from({ length: 8 }, () => GIB),
  embeddingKiB: 0,
  headKiB: 0,
  // 4 KiB: a GiB of the whole model for 32,768 positions.
  kvBytesPerToken: 4096,
  contextTokens: 4096,
  contextTokensMax: 131_072
}

const KEYS = ['a', 'b', 'c', 'd'] as const
type Key = (typeof KEYS)[number]

/** Peers of 10,000 MiB/s; what is said of others is given by key. */
function record(digit: Key, changes: Partial<Profile> = {}, seen: Partial<NeighbourRecord>[] = []) {
  const peer = { key: keyOf(digit), memoryKiB: 12 * GIB, weightMiBps: 10_000, int8Mops: 400_000 }
  const made = toRecord({ ...peer, pin: null }, model)
  const neighbours = seen.map((one) => ({
    peer: keyOf('a'),
    delayUs: 0,
    mbps: 0,
    seenMiBps: 0,
    ...one
  }))
  return { ...made, profile: { ...made.profile!, neighbours, ...changes } }
}

const view = (...records: PeerRecord[]) => createView(model, 1, records)
const rateOf = (...records: PeerRecord[]) => view(...records).peers[0]?.weightMiBps
const witness = (digit: Key, seenMiBps: number) => record(digit, {}, [{ seenMiBps }])

test('claims - a rate that nobody has seen is believed', (t) => {
  t.is(rateOf(record('a'), record('b')), 10_000)
})

test('claims - a rate is believed up to one and a half times of what was seen', (t) => {
  t.is(rateOf(record('a'), witness('b', 8000)), 10_000)
  t.is(rateOf(record('a'), witness('b', 4000)), 6000)
})

test('claims - the int8 rate is cut in the same proportion', (t) => {
  const [peer] = view(record('a'), witness('b', 4000)).peers
  t.is(peer?.int8Mops, 239_999)
})

test('claims - seeing much of a peer makes it no faster than it says', (t) => {
  t.is(rateOf(record('a'), witness('b', 1_000_000)), 10_000)
})

test('claims - one false witness beside honest ones changes nothing', (t) => {
  t.is(rateOf(record('a'), witness('b', 1), witness('c', 9000)), 10_000)
  t.is(rateOf(record('a'), witness('b', 1), witness('c', 4000), witness('d', 4000)), 6000)
})

test('claims - false witnesses alone can slow a peer, not shut it out', (t) => {
  t.is(rateOf(record('a'), witness('b', 1), witness('c', 1)), 32)
})

test('claims - nobody is a witness of himself, nor who takes no part', (t) => {
  t.is(rateOf(record('a', {}, [{ seenMiBps: 100 }])), 10_000)
  t.is(rateOf(record('a'), { ...witness('b', 100), left: true }), 10_000)
})

test('claims - of a link the worse end counts, and a pair is in the view once', (t) => {
  const [a, b] = view(
    record('a', {}, [{ peer: keyOf('b'), delayUs: 152, mbps: 861 }]),
    record('b', {}, [{ peer: keyOf('a'), delayUs: 304, mbps: 1024 }])
  ).peers
  t.alike(a?.links, [{ peer: keyOf('b'), delayUs: 304 + STAGE_US, mbps: 861 }])
  t.absent(b?.links)
})

test('claims - news of the better end of a link is no news of a plan', (t) => {
  const far = record('a', {}, [{ peer: keyOf('b'), delayUs: 5000, mbps: 10 }])
  const near = (delayUs: number, mbps: number) =>
    record('b', {}, [{ peer: keyOf('a'), delayUs, mbps }])
  t.is(viewHash(view(far, near(152, 861))), viewHash(view(far, near(1024, 50))))
  t.not(viewHash(view(far, near(152, 861))), viewHash(view(far, near(6000, 861))))
})

test('claims - a bandwidth that was not measured is that of an ordinary network', (t) => {
  const slow = view(record('a', {}, [{ peer: keyOf('b'), delayUs: 152 }]), record('b'))
  t.alike(slow.peers[0]?.links, [{ peer: keyOf('b'), delayUs: 152 + STAGE_US }])
  t.ok(computePlan(slow).predicted)
})

test('claims - links to peers that take no part, to oneself and without a delay are none', (t) => {
  const odd = record('a', {}, [
    { peer: keyOf('a'), delayUs: 50 },
    { peer: keyOf('b'), mbps: 50 },
    { peer: keyOf('c'), delayUs: 50 }
  ])
  t.is(viewHash(view(odd, record('b'))), viewHash(view(record('a'), record('b'))))
})

test('claims - a far peer is not asked for help that costs more than it brings', (t) => {
  const link = (delayUs: number) => record('a', {}, [{ peer: keyOf('b'), delayUs, mbps: 100 }])
  const needed = (...records: PeerRecord[]) => computePlan(view(...records)).stages.length
  const small = { memoryKiB: 6 * GIB }
  t.is(needed(record('a', small), record('b', small)), 2, 'no other way')
  const fast = (digit: Key) => record(digit, { weightMiBps: 100_000, ...small })
  const far = { ...link(500_000), profile: { ...link(500_000).profile, ...small } }
  t.alike(
    computePlan(view(far, fast('b'), fast('c')))
      .stages.map(({ peer }) => peer[0])
      .toSorted(),
    ['b', 'c']
  )
})

test('claims - a disk rate is part of a view, and one that is not known is none', (t) => {
  t.is(view(record('a', { diskMiBps: 2048 })).peers[0]?.diskMiBps, 2048)
  t.absent(view(record('a')).peers[0]?.diskMiBps)
})

test('claims - plans reserve the longest context and the most sessions that anybody declared', (t) => {
  const { model: planned, usual } = view(
    record('a', { contextTokens: 8192 }),
    record('b', { contextTokens: 32_768, sessions: 2 }),
    record('c', { sessions: 3 }),
    record('d')
  )
  t.is(planned.contextTokens, 32_768)
  t.is(planned.sessions, 3)
  t.alike(usual, { contextTokens: 4096, sessions: 1 })
})

test('claims - where nobody declares anything the usual is reserved', (t) => {
  const { model: planned, usual } = view(record('a'), record('b'))
  t.is(planned, model)
  t.absent(usual)
})

test('claims - a shorter context may be declared, and no longer one than the model has', (t) => {
  t.is(view(record('a', { contextTokens: 512 })).model.contextTokens, 512)
  t.is(view(record('a', { contextTokens: 2 ** 20 })).model.contextTokens, 131_072)
})

test('claims - a declared context takes room from layers', (t) => {
  const small = { memoryKiB: 9 * GIB }
  const stages = (contextTokens: number) =>
    computePlan(view(record('a', { ...small, contextTokens }), record('b', small))).stages.length
  t.is(stages(0), 1)
  t.is(stages(65_536), 2)
})

test('claims - what nobody has room for is not reserved, and the model is served all the same', (t) => {
  const all = view(record('a', { contextTokens: 131_072, sessions: 64 }), record('b'))
  const plan = computePlan(all)
  t.is(plan.stages.length, 1)
  t.alike(plan.reserve, { contextTokens: 4096, sessions: 1 })
  t.alike(plan.gap, [])
  t.is(plan.viewHash, viewHash(all))
})

test('claims - a wish beyond every plan is passed over too', (t) => {
  const vast = { ...model, kvBytesPerToken: 2 ** 20, contextTokensMax: 2 ** 20 }
  const wish = record('a', { contextTokens: 2 ** 20, sessions: 64, memoryKiB: 64 * GIB })
  t.is(computePlan(createView(vast, 1, [wish])).stages.length, 1)
})

test('claims - records in any order give one view', (t) => {
  const random = seededRandom(5)
  const others = (digit: Key) =>
    KEYS.filter((key) => key !== digit).map((key, index) => ({
      peer: keyOf(key),
      delayUs: 152 + 60 * index + (digit.codePointAt(0) ?? 0),
      mbps: 861 - index,
      seenMiBps: 4000 + 100 * index
    }))
  const records = KEYS.map((digit, index) =>
    record(digit, { contextTokens: 4096 + index, sessions: 4 - index }, others(digit))
  )
  const first = view(...records)
  for (let i = 0; i < 20; i++) t.alike(view(...shuffled(random, records)), first)
})
