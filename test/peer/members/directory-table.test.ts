import test from 'brittle'

import { DIRECTORY_RECORDS_MAX } from '../../../src/base/limits.ts'
import { seededRandom, below } from '../../../src/base/random.ts'
import {
  ALIVE_AGE_MAX_MS,
  DirectoryTable,
  FORGET_AGE_MS,
  type DirectoryEntry
} from '../../../src/peer/members/directory-table.ts'
import { encodeRecord } from '../../../src/wire/record-codec.ts'

import type { PeerId } from '../../../src/wire/ids.ts'
import type { PeerRecord } from '../../../src/wire/record.ts'

const id = (index: number) => index.toString(16).padStart(64, '0') as PeerId
const SELF = id(1)

function entryOf(key: PeerId, seq: number, change: Partial<PeerRecord> = {}): DirectoryEntry {
  const record: PeerRecord = {
    key,
    seq,
    name: 'n',
    programVersion: '1',
    arithmeticVersion: 1,
    left: false,
    profile: null,
    model: null,
    pin: null,
    held: null,
    loading: null,
    ...change
  }
  return { record, signed: { bytes: encodeRecord(record), signature: new Uint8Array(64) } }
}

test('directory table - of two records of one key the higher number stays', (t) => {
  const table = new DirectoryTable(SELF)
  t.is(table.accept(entryOf(id(2), 5)), 'stored')
  t.is(table.accept(entryOf(id(2), 4)), 'older')
  t.is(table.accept(entryOf(id(2), 5)), 'known')
  t.is(table.accept(entryOf(id(2), 6)), 'stored')
  t.is(table.get(id(2))?.record.seq, 6)
})

test('directory table - the order of arrival does not matter, not even for a key at fault', (t) => {
  const random = seededRandom(3)
  const records = [2, 3, 4].flatMap((key) => [
    entryOf(id(key), 7, { name: 'a' }),
    entryOf(id(key), 7, { name: 'b' }),
    entryOf(id(key), 6),
    entryOf(id(key), 2)
  ])
  const ends = new Set<string>()
  for (let round = 0; round < 50; round++) {
    const table = new DirectoryTable(SELF)
    const rest = [...records]
    while (rest.length > 0)
      table.accept(rest.splice(below(random, rest.length), 1)[0] as DirectoryEntry)
    ends.add(JSON.stringify(table.all().map(({ record }) => record)))
  }
  t.is(ends.size, 1)
  t.ok([...ends][0]?.includes('"name":"b"'))
})

test('directory table - a record of our own key from elsewhere never replaces ours', (t) => {
  const table = new DirectoryTable(SELF)
  table.publish(entryOf(SELF, 10))
  t.is(table.accept(entryOf(SELF, 9)), 'older')
  t.is(table.accept(entryOf(SELF, 10)), 'known')
  t.is(table.accept(entryOf(SELF, 11)), 'duplicate')
  t.is(table.get(SELF)?.record.seq, 10)
})

test('directory table - a linked peer is alive until it says goodbye or the link is long gone', (t) => {
  const table = new DirectoryTable(SELF)
  table.accept(entryOf(id(2), 1))
  t.is(table.state(id(2), 0), 'left')
  table.linkUp(id(2))
  t.is(table.state(id(2), 1e9), 'alive')
  table.linkDown(id(2), 1e9)
  t.is(table.state(id(2), 1e9 + ALIVE_AGE_MAX_MS), 'alive')
  t.is(table.state(id(2), 1e9 + ALIVE_AGE_MAX_MS + 1), 'left')
  table.linkUp(id(2))
  table.accept(entryOf(id(2), 2, { left: true }))
  t.is(table.state(id(2), 1e9), 'left')
  table.accept(entryOf(id(2), 3))
  t.is(table.state(id(2), 1e9), 'alive')
})

test('directory table - hearsay keeps a peer alive only as long as it is fresh', (t) => {
  const table = new DirectoryTable(SELF)
  table.accept(entryOf(id(2), 1))
  table.heard([{ key: id(2), seq: 1, ageMs: 1000 }], 10_000)
  t.is(table.state(id(2), 9000 + ALIVE_AGE_MAX_MS), 'alive')
  t.is(table.state(id(2), 9001 + ALIVE_AGE_MAX_MS), 'left')
  table.heard([{ key: id(2), seq: 1, ageMs: 2_000_000 }], 10_001)
  t.is(table.state(id(2), 9000 + ALIVE_AGE_MAX_MS), 'alive', 'older evidence takes nothing away')
})

test('directory table - two peers cannot keep a third alive by telling each other', (t) => {
  const [a, b] = [new DirectoryTable(id(1)), new DirectoryTable(id(2))]
  for (const table of [a, b]) table.accept(entryOf(id(3), 1))
  a.linkUp(id(3))
  a.linkDown(id(3), 0)
  let nowMs = 0
  for (; nowMs < 60_000; nowMs += 500) {
    b.heard(a.digest(nowMs), nowMs)
    a.heard(b.digest(nowMs), nowMs)
    if (a.state(id(3), nowMs) === 'left' && b.state(id(3), nowMs) === 'left') break
  }
  t.ok(nowMs <= ALIVE_AGE_MAX_MS + 500, `${nowMs} ms`)
})

test('directory table - made-up keys in a digest do not crowd out what is known of real ones', (t) => {
  const table = new DirectoryTable(SELF)
  const made = (from: number) =>
    Array.from({ length: DIRECTORY_RECORDS_MAX }, (_, i) => ({
      key: id(from + i),
      seq: 1,
      ageMs: 0
    }))
  for (let round = 0; round < 8; round++) table.heard(made(1000 + 300 * round), 10_000)
  table.heard([{ key: id(2), seq: 1, ageMs: 0 }], 10_000)
  table.accept(entryOf(id(2), 1))
  t.is(table.state(id(2), 10_000), 'alive')
  for (let round = 0; round < 8; round++) table.heard(made(9000 + 300 * round), 10_001)
  t.is(table.state(id(2), 10_002), 'alive', 'its record keeps its place')
})

test('directory table - what the other side lacks is exactly what is sent', (t) => {
  const [a, b] = [new DirectoryTable(id(1)), new DirectoryTable(id(2))]
  a.publish(entryOf(id(1), 3))
  b.publish(entryOf(id(2), 3))
  for (const entry of [entryOf(id(3), 5), entryOf(id(4), 5)]) a.accept(entry)
  b.accept(entryOf(id(3), 6))
  b.accept(entryOf(id(4), 5))
  const seqs = (signed: { bytes: Uint8Array }[]) => signed.length
  t.is(seqs(a.missing(b.digest(0))), 1)
  t.is(seqs(b.missing(a.digest(0))), 2)
})

test('directory table - is bounded; who is linked or was seen later stays', (t) => {
  const table = new DirectoryTable(SELF)
  table.publish(entryOf(SELF, 1))
  table.linkUp(id(2))
  table.accept(entryOf(id(2), 1))
  for (let index = 3; table.all().length < DIRECTORY_RECORDS_MAX; index++) {
    table.heard([{ key: id(index), seq: 1, ageMs: 0 }], index)
    t.is(table.accept(entryOf(id(index), 1)), 'stored')
  }
  t.is(table.accept(entryOf(id(5000), 1)), 'full', 'nobody has seen it')
  table.heard([{ key: id(5001), seq: 1, ageMs: 0 }], 1000)
  t.is(table.accept(entryOf(id(5001), 1)), 'stored')
  t.is(table.get(id(3)), null, 'the one unseen for longest made room')
  table.linkUp(id(5002))
  t.is(table.accept(entryOf(id(5002), 1)), 'stored')
  t.ok(table.get(SELF) !== null && table.get(id(2)) !== null)
  t.is(table.all().length, DIRECTORY_RECORDS_MAX)
})

test('directory table - hearsay about unknown peers is bounded too', (t) => {
  const table = new DirectoryTable(SELF)
  for (let index = 2; index < 5000; index++) table.heard([{ key: id(index), seq: 1, ageMs: 0 }], 0)
  table.accept(entryOf(id(4999), 1))
  t.is(table.state(id(4999), 0), 'alive', 'heard last')
  table.accept(entryOf(id(2), 1))
  t.is(table.state(id(2), 0), 'left', 'heard first')
})

test('directory table - forgets a peer that nobody has seen for long', (t) => {
  const table = new DirectoryTable(SELF)
  table.publish(entryOf(SELF, 1))
  table.accept(entryOf(id(2), 1))
  table.heard([{ key: id(2), seq: 1, ageMs: 0 }], 0)
  table.sweep(FORGET_AGE_MS)
  t.is(table.all().length, 2)
  table.sweep(FORGET_AGE_MS + 1)
  t.alike(
    table.all().map(({ record }) => record.key),
    [SELF]
  )
})
