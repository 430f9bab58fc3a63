import test from 'brittle'

import { DIRECTORY_RECORDS_MAX } from '../../../src/base/limits.ts'
import { seededRandom, below } from '../../../src/base/random.ts'
import { DirectoryTable, type DirectoryEntry } from '../../../src/peer/members/directory-table.ts'
import { encodeRecord } from '../../../src/wire/record-codec.ts'

import type { PeerId } from '../../../src/wire/ids.ts'
import type { PeerRecord } from '../../../src/wire/record.ts'

const id = (index: number) => index.toString(16).padStart(64, '0') as PeerId
const SELF = id(1)
const NOBODY = () => null

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
    held: [],
    own: [],
    loading: null,
    ...change
  }
  return { record, signed: { bytes: encodeRecord(record), signature: new Uint8Array(64) } }
}

const keys = (entries: DirectoryEntry[]) => entries.map(({ record }) => record.key)

test('directory table - of two records of one key the higher number stays', (t) => {
  const table = new DirectoryTable(SELF, NOBODY)
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
    const table = new DirectoryTable(SELF, NOBODY)
    const rest = [...records]
    while (rest.length > 0)
      table.accept(rest.splice(below(random, rest.length), 1)[0] as DirectoryEntry)
    ends.add(JSON.stringify(table.all().map(({ record }) => record)))
  }
  t.is(ends.size, 1)
  t.ok([...ends][0]?.includes('"name":"b"'))
})

test('directory table - a record of our own key from elsewhere never replaces ours', (t) => {
  const table = new DirectoryTable(SELF, NOBODY)
  table.publish(entryOf(SELF, 10))
  t.is(table.accept(entryOf(SELF, 9)), 'older')
  t.is(table.accept(entryOf(SELF, 10)), 'known')
  t.is(table.accept(entryOf(SELF, 11)), 'duplicate')
  t.is(table.get(SELF)?.record.seq, 10)
})

test('directory table - what the other side lacks is exactly what is sent', (t) => {
  const [a, b] = [new DirectoryTable(id(1), NOBODY), new DirectoryTable(id(2), NOBODY)]
  a.publish(entryOf(id(1), 3))
  b.publish(entryOf(id(2), 3))
  for (const entry of [entryOf(id(3), 5), entryOf(id(4), 5)]) a.accept(entry)
  b.accept(entryOf(id(3), 6))
  b.accept(entryOf(id(4), 5))
  t.alike(keys(a.missing(b.digest())), [id(1)])
  t.alike(keys(b.missing(a.digest())), [id(2), id(3)])
})

test('directory table - is bounded; whoever is dispensable makes room, or nobody does', (t) => {
  let dispensable: PeerId | null = null
  const asked: PeerId[] = []
  const table = new DirectoryTable(SELF, (newcomer) => {
    asked.push(newcomer)
    return dispensable
  })
  table.publish(entryOf(SELF, 1))
  for (let index = 2; table.all().length < DIRECTORY_RECORDS_MAX; index++) {
    t.is(table.accept(entryOf(id(index), 1)), 'stored')
  }
  t.is(asked.length, 0)
  t.is(table.accept(entryOf(id(5000), 1)), 'full')
  t.is(table.accept(entryOf(id(3), 2)), 'stored', 'a newer record of a known peer needs no room')
  dispensable = id(3)
  t.is(table.accept(entryOf(id(5001), 1)), 'stored')
  t.is(table.get(id(3)), null)
  t.alike(asked, [id(5000), id(5001)])
  t.is(table.all().length, DIRECTORY_RECORDS_MAX)
})

test('directory table - what is forgotten is gone, and may come back', (t) => {
  const table = new DirectoryTable(SELF, NOBODY)
  table.accept(entryOf(id(2), 7))
  table.forget(id(2))
  t.is(table.get(id(2)), null)
  t.is(table.accept(entryOf(id(2), 7)), 'stored')
})
