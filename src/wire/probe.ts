// What two `swarm bridge` commands say to each other over a proven connection while they measure the
// cable between them. The bulk that fills the cable is the message `data`, whose content means nothing.
// No part of the protocol between peers: a running peer neither sends nor understands these.

import { MESSAGE_BYTES_MAX, PEER_NAME_BYTES_MAX, PROBE_PADDING_BYTES_MAX } from '../base/limits.ts'
import { blob, fixed, flag, struct, text, whole } from './fields.ts'
import { decodeWhole, encodeWhole, oneMessageOf, type Bodies } from './whole-message.ts'

/** First from each side, after the proofs. */
export interface ProbeHello {
  type: 'hello'
  /** Host name as the other end gives it; foreign text. */
  name: string
  /** Largest packet of the interface that this connection uses there, bytes. */
  mtuBytes: number
  /** Whether the user named a topic, so that throughput may be measured. */
  measures: boolean
}

/** Comes back at once as a pong with the same number and as many bytes. */
export interface ProbePing {
  type: 'ping'
  id: number
  padding: Uint8Array
}

export interface ProbePong {
  type: 'pong'
  id: number
  padding: Uint8Array
}

/** One block of a flood. */
export interface ProbeData {
  type: 'data'
  padding: Uint8Array
}

/** The flood is over; the other side reports, then floods back. */
export interface ProbeEnd {
  type: 'end'
}

/** What arrived of the other side's flood, by the receiver's clock. */
export interface ProbeReport {
  type: 'report'
  sizeBytes: number
  durationUs: number
}

/** Asks for a port that takes one connection without encryption. */
export interface ProbePlainRequest {
  type: 'plain-request'
}

/** That port; `token` is the first thing it wants to read, so that nobody else can use it. */
export interface ProbePlainOffer {
  type: 'plain-offer'
  port: number
  token: Uint8Array
}

/** Last: what the dialling side measured and the other one could not see. */
export interface ProbeResult {
  type: 'result'
  rttUs: number
  activationRttUs: number
}

export type ProbeMessage =
  | ProbeHello
  | ProbePing
  | ProbePong
  | ProbeData
  | ProbeEnd
  | ProbeReport
  | ProbePlainRequest
  | ProbePlainOffer
  | ProbeResult

export const PROBE_TOKEN_BYTES = 16

const U32_MAX = 2 ** 32 - 1
const padding = blob(PROBE_PADDING_BYTES_MAX, 'the padding of a probe')
const ping = struct({ id: whole(4, 0, U32_MAX, 'the number of a probe'), padding })

/** Every message of a measurement, field by field in the order of its bytes. */
export const PROBE_BODIES: Bodies<ProbeMessage> = {
  hello: {
    number: 0,
    body: struct({
      name: text(PEER_NAME_BYTES_MAX, 'a host name'),
      mtuBytes: whole(4, 0, U32_MAX, 'the MTU'),
      measures: flag('the wish to measure')
    })
  },
  ping: { number: 1, body: ping },
  pong: { number: 2, body: ping },
  data: { number: 3, body: struct({ padding }) },
  end: { number: 4, body: struct({}) },
  report: {
    number: 5,
    body: struct({
      sizeBytes: whole(8, 0, Number.MAX_SAFE_INTEGER, 'the bytes that arrived'),
      durationUs: whole(4, 0, U32_MAX, 'the time they took')
    })
  },
  'plain-request': { number: 6, body: struct({}) },
  'plain-offer': {
    number: 7,
    body: struct({
      port: whole(2, 1, 65_535, 'the port of a plain probe'),
      token: fixed(PROBE_TOKEN_BYTES, 'the token of a plain probe')
    })
  },
  result: {
    number: 8,
    body: struct({
      rttUs: whole(4, 0, U32_MAX, 'a round trip'),
      activationRttUs: whole(4, 0, U32_MAX, 'the round trip of an activation')
    })
  }
}

const probe = oneMessageOf(PROBE_BODIES, 'probe message')

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeProbe(message: ProbeMessage): Uint8Array {
  return encodeWhole(probe, message)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_UNKNOWN_TYPE */
export function decodeProbe(bytes: Uint8Array): ProbeMessage {
  return decodeWhole(probe, bytes, MESSAGE_BYTES_MAX, 'a probe message')
}
