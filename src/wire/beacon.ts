// What a peer calls out on the local network: its key, its ports and a tag that only members of the
// topic can make or recognise. To everybody else two peers of one topic look unrelated, because the
// tag covers the key. A beacon is a hint where to dial and proves nothing: it can be replayed.

import { createHmac, timingSafeEqual } from 'node:crypto'

import { toHex } from '../base/text.ts'

import type { PeerId } from './ids.ts'

export interface BeaconMessage {
  key: PeerId
  /** Drawn anew by each process: the same key from two instances is one identity used twice. */
  instance: string
  /** UDP port of the peer's DHT node, and TCP port of its listener for lanes and links (0: none). */
  dhtPort: number
  lanePort: number
}

const MAGIC = new Uint8Array([0x73, 0x77, 0x72, 0x6d, 1])
const KEY_AT = MAGIC.byteLength
const INSTANCE_AT = KEY_AT + 32
const PORTS_AT = INSTANCE_AT + 8
const TAG_AT = PORTS_AT + 4
const TAG_BYTES = 16

export const BEACON_BYTES = TAG_AT + TAG_BYTES

/**
 * @param beaconKey 32 bytes derived from the topic.
 * @returns BEACON_BYTES bytes: magic and version, key, instance, ports (little-endian), tag.
 */
export function encodeBeacon(message: BeaconMessage, beaconKey: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(BEACON_BYTES)
  bytes.set(MAGIC, 0)
  bytes.write(message.key, KEY_AT, 'hex')
  bytes.write(message.instance, INSTANCE_AT, 'hex')
  bytes.writeUInt16LE(message.dhtPort, PORTS_AT)
  bytes.writeUInt16LE(message.lanePort, PORTS_AT + 2)
  bytes.set(tagOf(bytes, beaconKey), TAG_AT)
  return bytes
}

/** @returns null for whatever is not a beacon of this topic: multicast groups carry anything. */
export function decodeBeacon(bytes: Uint8Array, beaconKey: Uint8Array): BeaconMessage | null {
  if (bytes.byteLength !== BEACON_BYTES) return null
  if (!MAGIC.every((byte, index) => bytes[index] === byte)) return null
  if (!timingSafeEqual(bytes.subarray(TAG_AT), tagOf(bytes, beaconKey))) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const dhtPort = view.getUint16(PORTS_AT, true)
  const lanePort = view.getUint16(PORTS_AT + 2, true)
  if (dhtPort === 0) return null
  return {
    key: toHex(bytes.subarray(KEY_AT, INSTANCE_AT)) as PeerId,
    instance: toHex(bytes.subarray(INSTANCE_AT, PORTS_AT)),
    dhtPort,
    lanePort
  }
}

function tagOf(bytes: Uint8Array, beaconKey: Uint8Array): Uint8Array {
  const tag = createHmac('sha256', beaconKey)
    .update('swarm beacon 1 ')
    .update(bytes.subarray(0, TAG_AT))
    .digest()
  return tag.subarray(0, TAG_BYTES)
}
