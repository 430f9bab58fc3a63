import test from 'brittle'

import {
  HELD_RANGES_MAX,
  LAYERS_MAX,
  NEIGHBOURS_MAX,
  PEER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX
} from '../../src/base/limits.ts'
import { decodeRecord, encodeRecord } from '../../src/wire/record-codec.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

import type { PeerId } from '../../src/wire/ids.ts'
import type { NeighbourRecord, PeerRecord, Profile } from '../../src/wire/record.ts'

const codec: Codec<PeerRecord> = { encode: encodeRecord, decode: decodeRecord }

export const FULL_RECORD: PeerRecord = {
  key: '8f'.repeat(32) as PeerId,
  seq: 1_700_000_000_123,
  name: 'küche',
  programVersion: '0.1.0',
  arithmeticVersion: 3,
  left: true,
  profile: {
    cores: 12,
    kernels: 'avx512vnni',
    memoryKiB: 2 ** 34,
    weightMiBps: 40_000,
    int8Mops: 1_200_000,
    diskMiBps: 2896,
    contextTokens: 32_768,
    sessions: 4,
    neighbours: [
      { peer: '0a'.repeat(32) as PeerId, delayUs: 152, mbps: 861, seenMiBps: 0 },
      { peer: '0b'.repeat(32) as PeerId, delayUs: 0, mbps: 0, seenMiBps: 38_976 }
    ]
  },
  model: { id: '3c'.repeat(32), name: 'Qwen3-8B-Q4_K_M.gguf', givesWay: false },
  pin: { start: 0, end: 4 },
  held: [
    { start: 4, end: 36 },
    { start: 40, end: 44 }
  ],
  own: [
    { start: 4, end: 36 },
    { start: 40, end: 41 }
  ],
  loading: { range: { start: 1, end: 2 }, percent: 99 }
}

const range = (start: number, end: number) => ({ start, end })
const heldRanges = (count: number) =>
  Array.from({ length: count }, (_, i) => range(2 * i, 2 * i + 1))

const PROFILE = FULL_RECORD.profile as Profile

function neighbours(count: number): NeighbourRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    peer: (index + 16).toString(16).repeat(32) as PeerId,
    delayUs: 2 ** 32 - 1,
    mbps: 1024,
    seenMiBps: index
  }))
}

const BARE_RECORD: PeerRecord = {
  ...FULL_RECORD,
  left: false,
  name: '',
  profile: null,
  model: null,
  pin: null,
  held: [],
  own: [],
  loading: null
}

test('record codec - withstands foreign bytes in a full record', (t) => {
  checkDecoder(t, codec, FULL_RECORD)
})

test('record codec - withstands foreign bytes in a bare record', (t) => {
  checkDecoder(t, codec, BARE_RECORD)
})

test('record codec - the largest record is within its bound', (t) => {
  const sizeBytes = encodeRecord({
    ...FULL_RECORD,
    name: 'n'.repeat(PEER_NAME_BYTES_MAX),
    programVersion: 'v'.repeat(32),
    profile: { ...PROFILE, kernels: 'k'.repeat(32), neighbours: neighbours(NEIGHBOURS_MAX) },
    model: { id: '3c'.repeat(32), name: 'm'.repeat(256), givesWay: false },
    held: heldRanges(HELD_RANGES_MAX)
  }).byteLength
  t.ok(sizeBytes <= RECORD_BYTES_MAX * 0.75, `${sizeBytes} bytes`)
})

test('record codec - a record of as many neighbours as there can be withstands foreign bytes', (t) => {
  const profile = { ...PROFILE, neighbours: neighbours(NEIGHBOURS_MAX) }
  checkDecoder(t, codec, { ...BARE_RECORD, profile })
})

test('record codec - neighbours have one order, and nobody is in it twice', (t) => {
  const [first, second] = neighbours(2) as [NeighbourRecord, NeighbourRecord]
  for (const list of [
    [second, first],
    [first, first]
  ]) {
    const profile = { ...PROFILE, neighbours: list }
    t.is(encodeRefusal(codec, { ...FULL_RECORD, profile })?.code, 'WIRE_BAD_FRAME')
  }
  const bytes = encodeRecord({ ...BARE_RECORD, profile: { ...PROFILE, neighbours: [first] } })
  const many = encodeRecord({
    ...BARE_RECORD,
    profile: { ...PROFILE, neighbours: [first, second] }
  })
  // The second of two keys made equal to the first.
  const at = Buffer.from(many).indexOf(Buffer.from(second.peer, 'hex'))
  many.set(Buffer.from(first.peer, 'hex'), at)
  t.is(refusal(codec, bytes), null)
  t.is(refusal(codec, many)?.code, 'WIRE_BAD_FRAME')
})

test('record codec - refuses values at one beyond each bound, when writing as when reading', (t) => {
  const beyond: [string, Partial<PeerRecord>, string][] = [
    ['key', { key: 'ab' as PeerId }, 'WIRE_BAD_FRAME'],
    ['upper-case key', { key: 'AB'.repeat(32) as PeerId }, 'WIRE_BAD_FRAME'],
    ['seq 0', { seq: 0 }, 'WIRE_BAD_FRAME'],
    ['seq above 2^53', { seq: 2 ** 53 }, 'WIRE_BAD_FRAME'],
    ['name', { name: 'n'.repeat(PEER_NAME_BYTES_MAX + 1) }, 'WIRE_TOO_LARGE'],
    ['name in bytes', { name: 'ü'.repeat(PEER_NAME_BYTES_MAX / 2 + 1) }, 'WIRE_TOO_LARGE'],
    ['version', { programVersion: 'v'.repeat(33) }, 'WIRE_TOO_LARGE'],
    ['arithmetic 0', { arithmeticVersion: 0 }, 'WIRE_BAD_FRAME'],
    ['layers', { held: [{ start: 0, end: LAYERS_MAX + 1 }] }, 'WIRE_BAD_FRAME'],
    ['held ranges that touch', { held: [range(0, 2), range(2, 3)] }, 'WIRE_BAD_FRAME'],
    ['held ranges that overlap', { held: [range(0, 3), range(2, 4)] }, 'WIRE_BAD_FRAME'],
    ['held ranges that descend', { held: [range(5, 6), range(0, 2)] }, 'WIRE_BAD_FRAME'],
    ['one held range too many', { held: heldRanges(HELD_RANGES_MAX + 1) }, 'WIRE_TOO_LARGE'],
    ['own layers beyond', { own: [range(0, LAYERS_MAX + 1)] }, 'WIRE_BAD_FRAME'],
    ['own ranges that touch', { own: [range(0, 2), range(2, 3)] }, 'WIRE_BAD_FRAME'],
    ['one own range too many', { own: heldRanges(HELD_RANGES_MAX + 1) }, 'WIRE_TOO_LARGE'],
    ['empty range', { pin: { start: 3, end: 3 } }, 'WIRE_BAD_FRAME'],
    ['backward range', { pin: { start: 4, end: 3 } }, 'WIRE_BAD_FRAME'],
    ['percent', { loading: { range: { start: 0, end: 1 }, percent: 101 } }, 'WIRE_BAD_FRAME'],
    ['fraction', { seq: 1.5 }, 'WIRE_BAD_FRAME'],
    ['context', { profile: { ...PROFILE, contextTokens: 2 ** 20 + 1 } }, 'WIRE_BAD_FRAME'],
    ['sessions', { profile: { ...PROFILE, sessions: 65 } }, 'WIRE_BAD_FRAME'],
    ['disk', { profile: { ...PROFILE, diskMiBps: 2 ** 32 } }, 'WIRE_BAD_FRAME'],
    [
      'neighbours',
      { profile: { ...PROFILE, neighbours: neighbours(NEIGHBOURS_MAX + 1) } },
      'WIRE_TOO_LARGE'
    ],
    [
      'model name',
      { model: { id: '3c'.repeat(32), name: 'm'.repeat(257), givesWay: false } },
      'WIRE_TOO_LARGE'
    ]
  ]
  for (const [name, change, code] of beyond) {
    t.is(encodeRefusal(codec, { ...FULL_RECORD, ...change })?.code, code, name)
  }
})

test('record codec - as many held ranges as there may be come back', (t) => {
  const held = heldRanges(HELD_RANGES_MAX)
  t.alike(decodeRecord(encodeRecord({ ...FULL_RECORD, held })).held, held)
  const bytes = encodeRecord({ ...BARE_RECORD, held })
  for (const count of [HELD_RANGES_MAX - 1, HELD_RANGES_MAX + 1, 0xffff]) {
    const at = bytes.byteLength - 3 - 4 * HELD_RANGES_MAX - 2
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(at, count, true)
    // Of one less, what is left of the last one reads as the length of the next list.
    t.is(refusal(codec, bytes)?.code, 'WIRE_TOO_LARGE', `${count}`)
  }
})

test('record codec - refuses text that is not UTF-8', (t) => {
  const bytes = encodeRecord(FULL_RECORD)
  const at = Buffer.from(bytes).indexOf('küche') + 1
  bytes[at] = 0xff
  t.is(refusal(codec, bytes)?.code, 'WIRE_BAD_FRAME')
})

test('record codec - refuses more bytes than a record may have before it reads them', (t) => {
  t.is(refusal(codec, new Uint8Array(RECORD_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
})
