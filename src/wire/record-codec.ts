// Flow C: bytes <-> the record that a peer signs and everybody passes on. The signed bytes are kept as
// they came; decoding only looks into them. Whose signature it is, is checked in peer/identity.ts.

import {
  CONTEXT_TOKENS_MAX,
  HELD_RANGES_MAX,
  LAYERS_MAX,
  MODEL_NAME_BYTES_MAX,
  NEIGHBOURS_MAX,
  PEER_NAME_BYTES_MAX,
  RECORD_BYTES_MAX,
  SESSIONS_MAX,
  VERSION_TEXT_BYTES_MAX
} from '../base/limits.ts'
import {
  badFrame,
  blob,
  checked,
  fixed,
  flag,
  hex,
  list,
  optional,
  struct,
  text,
  whole
} from './fields.ts'
import { decodeWhole, encodeWhole } from './whole-message.ts'

import type { PeerId } from './ids.ts'
import type {
  ModelRecord,
  NeighbourRecord,
  PeerRecord,
  Profile,
  RangeRecord,
  SignedRecord
} from './record.ts'

const U32_MAX = 2 ** 32 - 1

const range = checked(
  struct<RangeRecord>({
    start: whole(2, 0, LAYERS_MAX, 'the first layer of a range'),
    end: whole(2, 1, LAYERS_MAX, 'the end of a range')
  }),
  ({ start, end }) => {
    if (start >= end) throw badFrame(`layers ${start} to ${end} are no range`)
  }
)

const rangesOf = (what: string) =>
  checked(
    list(range, 0, HELD_RANGES_MAX, what),
    (ranges) => {
      const isNormal = ranges.every(({ start }, i) => i === 0 || start > (ranges[i - 1]?.end ?? 0))
      if (!isNormal) throw badFrame(`${what} do not ascend or touch each other`)
    },
    'ascending, not touching'
  )

/** Strictly ascending, so that a list has one order and nobody is in it twice. */
const neighbours = checked(
  list(
    struct<NeighbourRecord>({
      peer: hex<PeerId>(32, 'the key of a neighbour'),
      delayUs: whole(4, 0, U32_MAX, 'the delay to a neighbour'),
      mbps: whole(4, 0, U32_MAX, 'the bandwidth to a neighbour'),
      seenMiBps: whole(4, 0, U32_MAX, 'the weight bandwidth seen of a neighbour')
    }),
    0,
    NEIGHBOURS_MAX,
    'neighbours'
  ),
  (list) => {
    if (list.some(({ peer }, index) => index > 0 && peer <= (list[index - 1]?.peer ?? ''))) {
      throw badFrame('neighbours are not in ascending order of their keys')
    }
  },
  'ascending by key'
)

const profile = struct<Profile>({
  cores: whole(2, 1, 4096, 'the number of cores'),
  kernels: text(VERSION_TEXT_BYTES_MAX, 'the kernel table'),
  memoryKiB: whole(8, 0, Number.MAX_SAFE_INTEGER, 'the memory in KiB'),
  weightMiBps: whole(4, 0, U32_MAX, 'the weight bandwidth in MiB/s'),
  int8Mops: whole(4, 0, U32_MAX, 'the int8 rate in Mop/s'),
  diskMiBps: whole(4, 0, U32_MAX, 'the disk rate in MiB/s'),
  contextTokens: whole(4, 0, CONTEXT_TOKENS_MAX, 'the declared context'),
  sessions: whole(2, 0, SESSIONS_MAX, 'the declared sessions'),
  neighbours
})

/** What a peer says of its model; in hello and in its record. */
export const modelField = struct<ModelRecord>({
  id: hex(32, 'a model id'),
  name: text(MODEL_NAME_BYTES_MAX, 'a model name'),
  givesWay: flag('the mark of a model that gives way')
})

/** What a peer signs of itself. */
export const recordField = struct<PeerRecord>({
  key: hex<PeerId>(32, 'the key of a record'),
  seq: whole(8, 1, Number.MAX_SAFE_INTEGER, 'the sequence number of a record'),
  name: text(PEER_NAME_BYTES_MAX, 'a peer name'),
  programVersion: text(VERSION_TEXT_BYTES_MAX, 'a program version'),
  arithmeticVersion: whole(2, 1, 65_535, 'an arithmetic version'),
  left: flag('the mark of having left'),
  profile: optional(profile, 'a profile'),
  model: optional(modelField, 'a model'),
  pin: optional(range, 'a pinned range'),
  held: rangesOf('the held ranges'),
  own: rangesOf('the own ranges'),
  loading: optional(
    struct<{ range: RangeRecord; percent: number }>({
      range,
      percent: whole(1, 0, 100, 'the percentage loaded')
    }),
    'a loading range'
  )
})

/** A record with its signature, as hello and gossip carry it. */
export const signedRecordField = struct<SignedRecord>({
  bytes: blob(RECORD_BYTES_MAX, 'a record'),
  signature: fixed(64, 'a signature')
})

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeRecord(value: PeerRecord): Uint8Array {
  return encodeWhole(recordField, value)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export function decodeRecord(bytes: Uint8Array): PeerRecord {
  return decodeWhole(recordField, bytes, RECORD_BYTES_MAX, 'a record')
}
