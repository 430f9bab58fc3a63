// The second message on a link, after the proof: who this is and how to reach its lane. The first three
// fields are frozen for every version of the protocol, so that two programs that cannot talk can still
// tell their users which versions met. Peers of another version are refused in peer/link.ts.

import { isIP } from 'node:net'
import * as c from 'compact-encoding'

import { toSwarmError } from '../base/errors.ts'
import {
  ADDRESS_BYTES_MAX,
  LANE_ADDRESSES_MAX,
  MESSAGE_BYTES_MAX,
  PEER_NAME_BYTES_MAX,
  VERSION_TEXT_BYTES_MAX
} from '../base/limits.ts'
import { badFrame, checked, fixed, list, optional, struct, text, whole } from './fields.ts'
import { HEARTBEAT_KEY_BYTES } from './heartbeat.ts'
import { logCardField, type LogCard } from './log-card.ts'
import { modelField, signedRecordField } from './record-codec.ts'
import { decodeWhole, encodeWhole } from './whole-message.ts'

import type { ModelRecord, SignedRecord } from './record.ts'

/** Counts incompatible changes of anything that travels between peers. */
export const PROTOCOL_VERSION = 7

export interface Versions {
  protocolVersion: number
  /** Peers of different arithmetic give different bits and must not share a session. */
  arithmeticVersion: number
  programVersion: string
}

export interface Hello extends Versions {
  /** Host name as the peer gives it; foreign text. */
  name: string
  /** How long the peer has been in the topic, by its own clock. */
  upMs: number
  /** The time of day by the peer's own clock, since 1970: for people, who read times that peers wrote. */
  wallMs: number
  /** Where the peer accepts lanes: a TCP port (0: nowhere) and its own addresses, without a port. */
  lane: { port: number; addresses: string[] }
  /** Where the peer takes heartbeats of this link: a UDP port (0: nowhere), and the key they need. */
  heartbeat: { port: number; key: Uint8Array }
  model: ModelRecord | null
  record: SignedRecord | null
  /** Of the sender's own logs; absent until its store is open. */
  logs: LogCard | null
}

const versions = {
  protocolVersion: whole(2, 1, 65_535, 'the protocol version'),
  arithmeticVersion: whole(2, 1, 65_535, 'the arithmetic version'),
  programVersion: text(VERSION_TEXT_BYTES_MAX, 'the program version')
}

/** Never a name: whoever dials it would look up whatever a stranger asks for. */
export const laneAddress = checked(
  text(ADDRESS_BYTES_MAX, 'a lane address'),
  (address) => {
    if (isIP(address) === 0) throw badFrame('a lane address is no IP address')
  },
  'an IP address, never a name'
)

const versionsField = struct<Versions>(versions)

export const helloField = struct<Hello>({
  ...versions,
  name: text(PEER_NAME_BYTES_MAX, 'a peer name'),
  upMs: whole(8, 0, Number.MAX_SAFE_INTEGER, 'the time in the topic'),
  wallMs: whole(8, 0, Number.MAX_SAFE_INTEGER, 'the time of day'),
  lane: struct<Hello['lane']>({
    port: whole(2, 0, 65_535, 'the lane port'),
    addresses: list(laneAddress, 0, LANE_ADDRESSES_MAX, 'lane addresses')
  }),
  heartbeat: struct<Hello['heartbeat']>({
    port: whole(2, 0, 65_535, 'the heartbeat port'),
    key: fixed(HEARTBEAT_KEY_BYTES, 'the heartbeat key')
  }),
  model: optional(modelField, 'a model'),
  record: optional(signedRecordField, 'a record'),
  logs: optional(logCardField, 'a log card')
})

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeHello(hello: Hello): Uint8Array {
  return encodeWhole(helloField, hello)
}

/** Only the frozen part; the rest may be of any version. @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export function decodeVersions(bytes: Uint8Array): Versions {
  try {
    return versionsField.decode(c.state(0, bytes.byteLength, bytes))
  } catch (error) {
    throw toSwarmError(error, 'WIRE_BAD_FRAME')
  }
}

/** A hello of this protocol version. @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export function decodeHello(bytes: Uint8Array): Hello {
  return decodeWhole(helloField, bytes, MESSAGE_BYTES_MAX, 'a hello')
}
