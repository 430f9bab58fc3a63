// What two linked peers say to each other beside sessions, after hello: that they are there, what they
// know of the others, whether a lane could be opened, and goodbye. One message, its number first.

import * as c from 'compact-encoding'

import { SwarmError } from '../base/errors.ts'
import { DIRECTORY_RECORDS_MAX, GOSSIP_RECORDS_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { decodeWhole, encodeWhole, hex, list, struct, whole, type Field } from './fields.ts'
import { signedRecordField } from './record-codec.ts'

import type { PeerId } from './ids.ts'
import type { SignedRecord } from './record.ts'

/** Are you there? Answered at once with the same number. */
export interface PingMessage {
  type: 'ping'
  id: number
}

export interface PongMessage {
  type: 'pong'
  id: number
}

/** Records that the receiver does not have yet, or has in an older state. */
export interface GossipMessage {
  type: 'gossip'
  records: SignedRecord[]
}

export interface DigestEntry {
  key: PeerId
  /** Of the record the sender has. */
  seq: number
  /** How long ago the sender last had evidence of this peer: 0 when it is linked to it. */
  ageMs: number
}

/** Everything the sender knows of, so that the receiver can send what is missing. */
export interface DigestMessage {
  type: 'digest'
  entries: DigestEntry[]
}

/** The sender could not open a lane to the receiver; the receiver tries next. */
export interface NoLaneMessage {
  type: 'no-lane'
}

/** The sender goes on its own: not a failure, nothing to wait for. */
export interface LeaveMessage {
  type: 'leave'
}

export type ControlMessage =
  PingMessage | PongMessage | GossipMessage | DigestMessage | NoLaneMessage | LeaveMessage

type ControlType = ControlMessage['type']
type Body<T extends ControlType> = Omit<Extract<ControlMessage, { type: T }>, 'type'>

// Position is the number on the wire.
const TYPES = ['ping', 'pong', 'gossip', 'digest', 'no-lane', 'leave'] as const

const U32_MAX = 2 ** 32 - 1
const pingId = whole(4, 0, U32_MAX, 'the number of a ping')

const BODIES: { [T in ControlType]: Field<Body<T>> } = {
  ping: struct({ id: pingId }),
  pong: struct({ id: pingId }),
  gossip: struct({ records: list(signedRecordField, GOSSIP_RECORDS_MAX, 'records') }),
  digest: struct({
    entries: list(
      struct<DigestEntry>({
        key: hex<PeerId>(32, 'the key in a digest'),
        seq: whole(8, 1, Number.MAX_SAFE_INTEGER, 'the sequence number in a digest'),
        ageMs: whole(4, 0, U32_MAX, 'the age in a digest')
      }),
      DIRECTORY_RECORDS_MAX,
      'digest entries'
    )
  }),
  'no-lane': struct({}),
  leave: struct({})
}

const control: Field<ControlMessage> = {
  preencode(state, message) {
    state.end += 1
    bodyOf(message.type).preencode(state, message)
  },
  encode(state, message) {
    c.uint8.encode(state, TYPES.indexOf(message.type))
    bodyOf(message.type).encode(state, message)
  },
  decode(state) {
    const number = c.uint8.decode(state)
    const type = TYPES[number]
    if (type === undefined) {
      throw new SwarmError('WIRE_UNKNOWN_TYPE', `control message ${number} is not known here`)
    }
    return { type, ...bodyOf(type).decode(state) } as ControlMessage
  }
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeControl(message: ControlMessage): Uint8Array {
  return encodeWhole(control, message)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_UNKNOWN_TYPE */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  return decodeWhole(control, bytes, MESSAGE_BYTES_MAX, 'a control message')
}

// The type beside each body keeps them apart; here they are handled alike.
function bodyOf(type: ControlType): Field<object> {
  return BODIES[type] as Field<object>
}
