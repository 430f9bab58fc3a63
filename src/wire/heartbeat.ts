// A heartbeat: one datagram of a fixed size that says that its sender is there, beside the link, so that
// no other byte can hold it up. Whom it is for is a number that only the two sides know, who it is from
// is proven by a MAC; both come from a key that the receiver drew for this one link and sent inside it
// (hello.ts). It names no peer and no topic. Replays are refused by their number (peer/link/heartbeats.ts).
//
//   8  address of the link, derived from the key     8  number of this heartbeat, from 1
//   8  number of the newest one that was heard       4  how long ago that was, in microseconds
//   16 HMAC-SHA-256 of all before, cut               all little-endian

import { createHmac, timingSafeEqual } from 'node:crypto'

export interface Heartbeat {
  number: number
  /** The newest heartbeat of the other side that was heard, 0 for none, and how long ago it was. */
  heard: number
  heardAgoUs: number
}

/** Drawn anew by the receiver for each link. */
export const HEARTBEAT_KEY_BYTES = 32

const NUMBER_AT = 8
const HEARD_AT = 16
const AGO_AT = 24
const TAG_AT = 28
const TAG_BYTES = 16

export const HEARTBEAT_BYTES = TAG_AT + TAG_BYTES

const AGO_US_MAX = 2 ** 32 - 1

/** By what the receiver finds the link that a heartbeat claims to be of, before any MAC is computed. */
export function heartbeatAddress(key: Uint8Array): bigint {
  const digest = createHmac('sha256', key).update('swarm heartbeat 1 address').digest()
  return digest.readBigUInt64LE()
}

/** @returns HEARTBEAT_BYTES bytes. An age above 71 minutes is sent as that. */
export function encodeHeartbeat(
  { number, heard, heardAgoUs }: Heartbeat,
  address: bigint,
  key: Uint8Array
): Uint8Array {
  const bytes = Buffer.alloc(HEARTBEAT_BYTES)
  bytes.writeBigUInt64LE(address)
  bytes.writeBigUInt64LE(BigInt(number), NUMBER_AT)
  bytes.writeBigUInt64LE(BigInt(heard), HEARD_AT)
  bytes.writeUInt32LE(Math.min(Math.max(0, Math.round(heardAgoUs)), AGO_US_MAX), AGO_AT)
  bytes.set(tagOf(bytes, key), TAG_AT)
  return bytes
}

/** The link that a datagram claims to be of; null when it is no heartbeat by its size. */
export function addressedLink(bytes: Uint8Array): bigint | null {
  if (bytes.byteLength !== HEARTBEAT_BYTES) return null
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
}

/**
 * @param bytes HEARTBEAT_BYTES of them.
 * @param after the newest number heard; this one and older ones are refused before the MAC is computed.
 * @returns null for whatever is not a newer heartbeat under this key.
 */
export function decodeHeartbeat(
  bytes: Uint8Array,
  key: Uint8Array,
  after: number
): Heartbeat | null {
  if (bytes.byteLength !== HEARTBEAT_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const number = Number(view.getBigUint64(NUMBER_AT, true))
  const heard = Number(view.getBigUint64(HEARD_AT, true))
  if (number <= after || !Number.isSafeInteger(number) || !Number.isSafeInteger(heard)) return null
  if (!timingSafeEqual(bytes.subarray(TAG_AT), tagOf(bytes, key))) return null
  return { number, heard, heardAgoUs: view.getUint32(AGO_AT, true) }
}

function tagOf(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const tag = createHmac('sha256', key)
    .update('swarm heartbeat 1 ')
    .update(bytes.subarray(0, TAG_AT))
    .digest()
  return tag.subarray(0, TAG_BYTES)
}
