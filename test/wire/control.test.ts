import test from 'brittle'

import {
  DIRECTORY_RECORDS_MAX,
  GOSSIP_RECORDS_MAX,
  LANE_ADDRESSES_MAX,
  LOG_CARDS_MAX,
  MESSAGE_BYTES_MAX,
  RECORD_BYTES_MAX
} from '../../src/base/limits.ts'
import {
  decodeControl,
  encodeControl,
  type ControlMessage,
  type DigestEntry,
  type MemberClaim
} from '../../src/wire/control.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

import type { PeerId } from '../../src/wire/ids.ts'
import type { LogCard } from '../../src/wire/log-card.ts'
import type { SignedRecord } from '../../src/wire/record.ts'

const codec: Codec<ControlMessage> = { encode: encodeControl, decode: decodeControl }

const entry: DigestEntry = { key: 'c1'.repeat(32) as PeerId, seq: 77 }
const claim: MemberClaim = { key: entry.key, incarnation: 77, state: 'suspect' }
const record = (sizeBytes: number): SignedRecord => ({
  bytes: new Uint8Array(sizeBytes).fill(5),
  signature: new Uint8Array(64).fill(6)
})

const card: LogCard = {
  author: entry.key,
  epoch: 2,
  basins: 'ba'.repeat(32),
  facts: 'fa'.repeat(32),
  signature: new Uint8Array(64).fill(7)
}

const MESSAGES: ControlMessage[] = [
  { type: 'ping', id: 4_000_000_000 },
  { type: 'pong', id: 0 },
  { type: 'gossip', records: [record(3), record(0)] },
  { type: 'gossip', records: [] },
  { type: 'digest', entries: [entry, { ...entry, seq: 2 ** 53 - 1 }] },
  { type: 'no-lane' },
  { type: 'leave' },
  { type: 'members', claims: [claim, { ...claim, incarnation: 2 ** 53 - 1, state: 'dead' }] },
  { type: 'probe', id: 7, key: claim.key },
  { type: 'probe-answer', id: 7, reached: true },
  { type: 'addresses', addresses: ['169.254.77.1', 'fd00::1'] },
  { type: 'addresses', addresses: [] },
  { type: 'frames-end', move: 4_000_000_000 },
  { type: 'log-cards', cards: [card, { ...card, epoch: 2 ** 32 - 1 }] }
]

for (const message of MESSAGES) {
  test(`control - '${message.type}' withstands foreign bytes`, (t) => {
    checkDecoder(t, codec, message)
  })
}

test('control - the numbers on the wire stay what they are', (t) => {
  const numbers = new Map(MESSAGES.map((message) => [message.type, encodeControl(message)[0]]))
  t.alike(
    [...numbers],
    [
      ['ping', 0],
      ['pong', 1],
      ['gossip', 2],
      ['digest', 3],
      ['no-lane', 4],
      ['leave', 5],
      ['members', 6],
      ['probe', 7],
      ['probe-answer', 8],
      ['addresses', 9],
      ['frames-end', 10],
      ['log-cards', 11]
    ]
  )
})

test('control - an unknown number is named', (t) => {
  t.is(refusal(codec, new Uint8Array([12]))?.code, 'WIRE_UNKNOWN_TYPE')
  t.is(refusal(codec, new Uint8Array([255, 1, 2]))?.code, 'WIRE_UNKNOWN_TYPE')
})

test('control - counts are refused one beyond their bound, before the items are read', (t) => {
  const records = (count: number) => Array.from({ length: count }, () => record(1))
  const entries = (count: number) => Array.from({ length: count }, () => entry)
  t.is(encodeRefusal(codec, { type: 'gossip', records: records(GOSSIP_RECORDS_MAX) }), null)
  const many: ControlMessage = { type: 'gossip', records: records(GOSSIP_RECORDS_MAX + 1) }
  t.is(encodeRefusal(codec, many)?.code, 'WIRE_TOO_LARGE')
  t.is(encodeRefusal(codec, { type: 'digest', entries: entries(DIRECTORY_RECORDS_MAX) }), null)
  const long: ControlMessage = { type: 'digest', entries: entries(DIRECTORY_RECORDS_MAX + 1) }
  t.is(encodeRefusal(codec, long)?.code, 'WIRE_TOO_LARGE')
  const claims = (count: number) => Array.from({ length: count }, () => claim)
  t.is(encodeRefusal(codec, { type: 'members', claims: claims(DIRECTORY_RECORDS_MAX) }), null)
  const loud: ControlMessage = { type: 'members', claims: claims(DIRECTORY_RECORDS_MAX + 1) }
  t.is(encodeRefusal(codec, loud)?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([6, 255, 255]))?.code, 'WIRE_TOO_LARGE')
  const told = (count: number): ControlMessage => {
    return { type: 'addresses', addresses: Array.from({ length: count }, () => '10.0.0.1') }
  }
  t.is(encodeRefusal(codec, told(LANE_ADDRESSES_MAX)), null)
  t.is(encodeRefusal(codec, told(LANE_ADDRESSES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([9, LANE_ADDRESSES_MAX + 1, 0]))?.code, 'WIRE_TOO_LARGE')
  const cards = (count: number): ControlMessage => {
    return { type: 'log-cards', cards: Array.from({ length: count }, () => card) }
  }
  t.is(encodeRefusal(codec, cards(LOG_CARDS_MAX)), null)
  t.ok(encodeControl(cards(LOG_CARDS_MAX)).byteLength < MESSAGE_BYTES_MAX)
  t.is(encodeRefusal(codec, cards(LOG_CARDS_MAX + 1))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([11, 1, 1]))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([2, 33, 0]))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([3, 255, 255]))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([2, 1, 0, 255, 255]))?.code, 'WIRE_TOO_LARGE')
})

test('control - the largest messages fit into one message', (t) => {
  const records = Array.from({ length: GOSSIP_RECORDS_MAX }, () => record(RECORD_BYTES_MAX))
  const entries = Array.from({ length: DIRECTORY_RECORDS_MAX }, () => entry)
  t.ok(encodeControl({ type: 'gossip', records }).byteLength < MESSAGE_BYTES_MAX)
  t.ok(encodeControl({ type: 'digest', entries }).byteLength < MESSAGE_BYTES_MAX)
  const claims = Array.from({ length: DIRECTORY_RECORDS_MAX }, () => claim)
  t.ok(encodeControl({ type: 'members', claims }).byteLength < MESSAGE_BYTES_MAX)
  t.is(refusal(codec, new Uint8Array(MESSAGE_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
})
