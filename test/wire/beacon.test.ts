import test from 'brittle'

import {
  BEACON_BYTES,
  decodeBeacon,
  encodeBeacon,
  type BeaconMessage
} from '../../src/wire/beacon.ts'

import type { PeerId } from '../../src/wire/ids.ts'

const key = new Uint8Array(32).fill(7)
const message: BeaconMessage = {
  key: '0123456789abcdef'.repeat(4) as PeerId,
  instance: 'fedcba9876543210',
  dhtPort: 49_737,
  lanePort: 0
}

test('beacon - comes back for who knows the topic, and for nobody else', (t) => {
  const bytes = encodeBeacon(message, key)
  t.is(bytes.byteLength, BEACON_BYTES)
  t.alike(decodeBeacon(bytes, key), message)
  t.is(decodeBeacon(bytes, new Uint8Array(32).fill(8)), null)
})

test('beacon - any byte changed, missing or added makes it nothing', (t) => {
  const bytes = encodeBeacon(message, key)
  for (let at = 0; at < bytes.byteLength; at++) {
    const mutated = new Uint8Array(bytes)
    mutated[at] = (mutated[at] as number) ^ 0x10
    if (decodeBeacon(mutated, key) !== null) t.fail(`byte ${at}`)
    if (decodeBeacon(bytes.subarray(0, at), key) !== null) t.fail(`cut at ${at}`)
  }
  t.is(decodeBeacon(Buffer.concat([bytes, new Uint8Array(1)]), key), null)
})

test('beacon - without a port to dial it is nothing', (t) => {
  t.is(decodeBeacon(encodeBeacon({ ...message, dhtPort: 0 }, key), key), null)
})

test('beacon - two peers of one topic show no common bytes but the magic and zero ports', (t) => {
  const other: BeaconMessage = {
    key: 'f0'.repeat(32) as PeerId,
    instance: '0011223344556677',
    dhtPort: 1,
    lanePort: 513
  }
  const [a, b] = [encodeBeacon(message, key), encodeBeacon(other, key)]
  const tags = [a.subarray(-16), b.subarray(-16)].map((tag) => Buffer.from(tag).toString('hex'))
  t.unlike(tags[0], tags[1])
})
