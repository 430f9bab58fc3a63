import test from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { SIGNATURES_BURST } from '../../../src/base/limits.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { Directory, FORGET_AGE_MS } from '../../../src/peer/members/directory.ts'
import { ROUND_MS, type MembershipMessage } from '../../../src/peer/members/membership.ts'
import { identityOf, signRecord, type Identity } from '../../../src/peer/identity.ts'
import { encodeRecord } from '../../../src/wire/record-codec.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

import type { PeerId } from '../../../src/wire/ids.ts'
import type { PeerRecord, SignedRecord } from '../../../src/wire/record.ts'

const ALICE = identityOf(new Uint8Array(32).fill(1))
const BOB = identityOf(new Uint8Array(32).fill(2))
const FIRST = { name: 'n', programVersion: '1', arithmeticVersion: 1, model: null }

function setUp(identity: Identity, clock = new FakeClock()) {
  const records: string[] = []
  const states: string[] = []
  const sent: { to: PeerId; message: MembershipMessage }[] = []
  const duplicates: SwarmError[] = []
  const directory: Directory = new Directory(identity, FIRST, clock, seededRandom(1), {
    onRecord: (peer) => records.push(peer),
    onState: (peer) => states.push(directory.get(peer)?.state ?? '?'),
    onDuplicate: (error) => duplicates.push(error),
    send: (to, message) => sent.push({ to, message })
  })
  return { directory, records, states, sent, duplicates, clock }
}

function signedBy(identity: Identity, change: Partial<PeerRecord>): SignedRecord {
  const { record } = setUp(identity).directory.own
  return signRecord(identity, encodeRecord({ ...record, ...change }))
}

test('directory - what we publish has a rising number and a good signature', (t) => {
  const { directory, records } = setUp(ALICE)
  const first = directory.own.record.seq
  directory.publish({ held: [{ start: 0, end: 3 }] })
  directory.publish({ loading: null })
  t.is(directory.own.record.seq, first + 2)
  t.alike(directory.own.record.held, [{ start: 0, end: 3 }], 'earlier changes stay')
  t.is(records.length, 2)
  const other = setUp(BOB)
  other.directory.accept(directory.own.signed, ALICE.id)
  t.alike(other.directory.get(ALICE.id)?.record, directory.own.record)
})

test('directory - a later life begins above every number of an earlier one', (t) => {
  const clock = new FakeClock()
  const early = setUp(ALICE, clock).directory
  for (let i = 0; i < 500; i++) early.publish({})
  clock.advance(1000)
  t.ok(setUp(ALICE, clock).directory.own.record.seq > early.own.record.seq)
})

test('directory - a record with a wrong signature is refused, whoever passes it on', async (t) => {
  const { directory } = setUp(BOB)
  const good = signedBy(ALICE, {})
  const forged = signRecord(BOB, good.bytes)
  await t.exception(() => directory.accept(forged, BOB.id), /wrong signature/)
  t.is(directory.get(ALICE.id), null)
})

test('directory - checks so many signatures per second, whoever sends the records', (t) => {
  const { directory, clock } = setUp(BOB)
  const { seq } = directory.own.record
  const accept = (count: number) => {
    for (let i = 0; i < count; i++) {
      directory.accept(signedBy(ALICE, { seq: seq + ++sent }), BOB.id)
    }
    return (directory.get(ALICE.id)?.record.seq ?? 0) - seq
  }
  let sent = 0
  t.is(accept(SIGNATURES_BURST + 50), SIGNATURES_BURST)
  clock.advance(1000)
  t.is(accept(1), SIGNATURES_BURST + 51, 'and goes on as time passes')
})

test('directory - does not keep the buffer that a record came in', (t) => {
  const { directory } = setUp(BOB)
  const slab = Buffer.alloc(4096)
  const good = signedBy(ALICE, {})
  slab.set(good.bytes)
  const bytes = slab.subarray(0, good.bytes.byteLength)
  directory.accept({ bytes, signature: good.signature }, ALICE.id)
  slab.fill(0)
  t.alike(directory.signed(ALICE.id)?.bytes, good.bytes)
})

test('directory - our key in use elsewhere is reported once, and our number passes the other', (t) => {
  const { directory, duplicates, records, clock } = setUp(ALICE)
  const { seq } = directory.own.record
  directory.accept(signedBy(ALICE, { seq: seq + 50, name: 'copy' }), BOB.id)
  t.is(duplicates.length, 1)
  t.is(duplicates[0]?.code, 'PEER_DUPLICATE')
  t.ok(duplicates[0]?.message.includes("'copy'"))
  t.is(directory.own.record.seq, seq + 51)
  t.is(records.length, 1, 'the new number is news')
  directory.accept(signedBy(ALICE, { seq: seq + 60 }), BOB.id)
  t.is(duplicates.length, 1)
  t.is(directory.own.record.seq, seq + 51, 'numbers do not race')
  clock.advance(61_000)
  directory.accept(signedBy(ALICE, { seq: seq + 70 }), BOB.id)
  t.is(duplicates.length, 2)
  t.is(directory.own.record.seq, seq + 71)
})

test('directory - two processes with one key both hear of it', (t) => {
  const a = setUp(ALICE)
  const b = setUp(ALICE)
  b.directory.publish({})
  a.directory.accept(b.directory.own.signed, BOB.id)
  b.directory.accept(a.directory.own.signed, BOB.id)
  t.is(a.duplicates.length, 1)
  t.is(b.duplicates.length, 1)
})

test('directory - our own goodbye from a life with a faster clock is no duplicate', (t) => {
  const { directory, duplicates } = setUp(ALICE)
  const { seq } = directory.own.record
  directory.accept(signedBy(ALICE, { seq: seq + 5, left: true }), BOB.id)
  t.is(duplicates.length, 0)
  t.is(directory.own.record.seq, seq + 6)
  t.absent(directory.own.record.left)
})

test('directory - peers come in the order of their keys, ourselves among them', (t) => {
  const { directory } = setUp(BOB)
  directory.accept(signedBy(ALICE, {}), ALICE.id)
  const keys = directory.peers().map(({ record }) => record.key)
  t.alike(keys, [ALICE.id, BOB.id].toSorted())
})

test('directory - a peer lost without a word is suspect, then dead, and each is told once', (t) => {
  const { directory, states } = setUp(BOB)
  directory.accept(signedBy(ALICE, {}), ALICE.id)
  directory.linkUp(ALICE.id)
  directory.linkDown(ALICE.id, false)
  for (let i = 0; i < 40; i++) directory.tick(ROUND_MS)
  t.alike(states, ['suspect', 'dead'])
})

test('directory - a peer that said goodbye has left', (t) => {
  const { directory, states } = setUp(BOB)
  directory.accept(signedBy(ALICE, {}), ALICE.id)
  directory.linkUp(ALICE.id)
  directory.linkDown(ALICE.id, true)
  t.alike(states, ['left'])
})

test('directory - time in which we heard nobody makes nobody dead', (t) => {
  const { directory, states, clock } = setUp(BOB)
  directory.accept(signedBy(ALICE, {}), ALICE.id)
  directory.linkUp(ALICE.id)
  directory.linkDown(ALICE.id, false)
  clock.stall(3_600_000)
  directory.tick(100)
  t.alike(states, ['suspect'])
})

test('directory - who is suspected refutes with a new record, also with its neighbours silent', (t) => {
  const { directory, records } = setUp(BOB)
  const { seq } = directory.own.record
  const accuse = (incarnation: number) => {
    const claims = [{ key: BOB.id, incarnation, state: 'dead' as const }]
    directory.receive(ALICE.id, { type: 'members', claims })
  }
  for (let i = 0; i < 50; i++) accuse(seq)
  directory.tick(ROUND_MS)
  t.is(directory.own.record.seq, seq + 1, 'once, however often it is accused')
  t.alike(records, [BOB.id])
  accuse(seq)
  accuse(seq + 2)
  directory.tick(ROUND_MS)
  t.is(directory.own.record.seq, seq + 1, 'what is not said of its present record needs no answer')
})

test('directory - what is missing comes with what is believed of it', (t) => {
  const { directory } = setUp(BOB)
  directory.accept(signedBy(ALICE, {}), ALICE.id)
  directory.linkUp(ALICE.id)
  directory.linkDown(ALICE.id, false)
  const { records, claims } = directory.missing([])
  t.is(records.length, 2)
  const incarnation = directory.get(ALICE.id)?.record.seq
  t.alike(claims, [{ key: ALICE.id, incarnation, state: 'suspect' }])
  t.alike(directory.missing(directory.digest()), { records: [], claims: [] })
})

test('directory - forgets a peer that went long ago, record and all', (t) => {
  const { directory } = setUp(BOB)
  directory.accept(signedBy(ALICE, { left: true }), ALICE.id)
  directory.tick(FORGET_AGE_MS)
  t.ok(directory.get(ALICE.id))
  directory.tick(1)
  t.is(directory.get(ALICE.id), null)
  t.is(directory.peers().length, 1)
})
