// What two linked peers say to each other beside sessions, after hello: that they are there, what they
// know of the others and who of them is there, what becomes of the lane, and goodbye. One message, its
// number first.

import {
  DIRECTORY_RECORDS_MAX,
  GOSSIP_RECORDS_MAX,
  LANE_ADDRESSES_MAX,
  LOG_CARDS_MAX,
  MESSAGE_BYTES_MAX
} from '../base/limits.ts'
import { flag, hex, list, oneOf, struct, whole } from './fields.ts'
import { laneAddress } from './hello.ts'
import { logCardField, type LogCard } from './log-card.ts'
import { signedRecordField } from './record-codec.ts'
import { decodeWhole, encodeWhole, oneMessageOf, type Bodies } from './whole-message.ts'

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
}

/** Every record that the sender has, so that the receiver can send what is missing. */
export interface DigestMessage {
  type: 'digest'
  entries: DigestEntry[]
}

/** What the sender believes of a member, against it; see peer/members/member-state.ts. */
export interface MemberClaim {
  key: PeerId
  /** Number of the member's record that this is believed of. */
  incarnation: number
  state: 'suspect' | 'dead'
}

export interface MembersMessage {
  type: 'members'
  claims: MemberClaim[]
}

/** Do you reach this member? Answered at once with the same number. */
export interface ProbeMessage {
  type: 'probe'
  id: number
  key: PeerId
}

export interface ProbeAnswerMessage {
  type: 'probe-answer'
  id: number
  reached: boolean
}

/** The sender could not open a lane to the receiver; the receiver tries next. */
export interface NoLaneMessage {
  type: 'no-lane'
}

/** The sender's own addresses, which have changed since its hello: a cable was plugged in. */
export interface AddressesMessage {
  type: 'addresses'
  addresses: string[]
}

/** No session frame follows on the link itself: the rest comes on a lane. */
export interface FramesEndMessage {
  type: 'frames-end'
  /** The number of the move to that lane, which says it as well. */
  move: number
}

/** Where logs are to be had: the sender's own and those of others that it knows. */
export interface LogCardsMessage {
  type: 'log-cards'
  cards: LogCard[]
}

/** The sender goes on its own: not a failure, nothing to wait for. */
export interface LeaveMessage {
  type: 'leave'
}

export type ControlMessage =
  | PingMessage
  | PongMessage
  | GossipMessage
  | DigestMessage
  | NoLaneMessage
  | LeaveMessage
  | MembersMessage
  | ProbeMessage
  | ProbeAnswerMessage
  | AddressesMessage
  | FramesEndMessage
  | LogCardsMessage

const U32_MAX = 2 ** 32 - 1
const pingId = whole(4, 0, U32_MAX, 'the number of a ping')
const probeId = whole(4, 0, U32_MAX, 'the number of a probe')

const digestEntry = struct<DigestEntry>({
  key: hex<PeerId>(32, 'the key in a digest'),
  seq: whole(8, 1, Number.MAX_SAFE_INTEGER, 'the sequence number in a digest')
})

const memberClaim = struct<MemberClaim>({
  key: hex<PeerId>(32, 'the key in a claim'),
  incarnation: whole(8, 1, Number.MAX_SAFE_INTEGER, 'the incarnation in a claim'),
  state: oneOf(['suspect', 'dead'], 'the state in a claim')
})

/** Every control message, field by field in the order of its bytes. */
export const CONTROL_BODIES: Bodies<ControlMessage> = {
  ping: { number: 0, body: struct({ id: pingId }) },
  pong: { number: 1, body: struct({ id: pingId }) },
  gossip: {
    number: 2,
    body: struct({ records: list(signedRecordField, 0, GOSSIP_RECORDS_MAX, 'records') })
  },
  digest: {
    number: 3,
    body: struct({ entries: list(digestEntry, 0, DIRECTORY_RECORDS_MAX, 'digest entries') })
  },
  'no-lane': { number: 4, body: struct({}) },
  leave: { number: 5, body: struct({}) },
  members: {
    number: 6,
    body: struct({ claims: list(memberClaim, 0, DIRECTORY_RECORDS_MAX, 'claims') })
  },
  probe: {
    number: 7,
    body: struct({ id: probeId, key: hex<PeerId>(32, 'the key in a probe') })
  },
  'probe-answer': {
    number: 8,
    body: struct({ id: probeId, reached: flag('the answer to a probe') })
  },
  addresses: {
    number: 9,
    body: struct({ addresses: list(laneAddress, 0, LANE_ADDRESSES_MAX, 'lane addresses') })
  },
  'frames-end': {
    number: 10,
    body: struct({ move: whole(4, 0, U32_MAX, 'the number of a move') })
  },
  'log-cards': {
    number: 11,
    body: struct({ cards: list(logCardField, 0, LOG_CARDS_MAX, 'log cards') })
  }
}

const control = oneMessageOf(CONTROL_BODIES, 'control message')

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeControl(message: ControlMessage): Uint8Array {
  return encodeWhole(control, message)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_UNKNOWN_TYPE */
export function decodeControl(bytes: Uint8Array): ControlMessage {
  return decodeWhole(control, bytes, MESSAGE_BYTES_MAX, 'a control message')
}
