import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import {
  HEARTBEAT_BYTES,
  HEARTBEAT_KEY_BYTES,
  addressedLink,
  decodeHeartbeat,
  encodeHeartbeat,
  heartbeatAddress,
  type Heartbeat
} from '../../src/wire/heartbeat.ts'

const random = seededRandom(5)
const KEY = random.bytes(HEARTBEAT_KEY_BYTES)
const OTHER = random.bytes(HEARTBEAT_KEY_BYTES)
const ADDRESS = heartbeatAddress(KEY)
const BEAT: Heartbeat = { number: 2 ** 40 + 7, heard: 2 ** 33, heardAgoUs: 123_456 }
const encode = (beat: Heartbeat = BEAT, key = KEY) => encodeHeartbeat(beat, ADDRESS, key)

test('heartbeat - comes back as it was sent, and has the size that is documented', (t) => {
  t.is(encode().byteLength, HEARTBEAT_BYTES)
  t.is(HEARTBEAT_BYTES, 44)
  t.is(addressedLink(encode()), ADDRESS)
  t.alike(decodeHeartbeat(encode(), KEY, 0), BEAT)
})

test('heartbeat - is read where it lies in a larger buffer', (t) => {
  const slab = Buffer.alloc(200, 0xee)
  slab.set(encode(), 77)
  const bytes = slab.subarray(77, 77 + HEARTBEAT_BYTES)
  t.is(addressedLink(bytes), ADDRESS)
  t.alike(decodeHeartbeat(bytes, KEY, 0), BEAT)
})

test('heartbeat - any other size is none', (t) => {
  const bytes = encode()
  for (let size = 0; size < 3 * HEARTBEAT_BYTES; size++) {
    if (size === HEARTBEAT_BYTES) continue
    const other = new Uint8Array(size)
    other.set(bytes.subarray(0, size))
    if (addressedLink(other) !== null || decodeHeartbeat(other, KEY, 0) !== null) t.fail(`${size}`)
  }
  t.pass()
})

test('heartbeat - a change of any bit is refused', (t) => {
  for (let bit = 0; bit < 8 * HEARTBEAT_BYTES; bit++) {
    const bytes = encode()
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
    if (decodeHeartbeat(bytes, KEY, 0) !== null) t.fail(`bit ${bit}`)
  }
  t.pass()
})

test('heartbeat - under another key it is refused, and has another address', (t) => {
  t.is(decodeHeartbeat(encode(BEAT, OTHER), KEY, 0), null)
  t.not(heartbeatAddress(OTHER), ADDRESS)
})

test('heartbeat - one that was heard, or an older one, is refused', (t) => {
  t.is(decodeHeartbeat(encode(), KEY, BEAT.number), null)
  t.is(decodeHeartbeat(encode(), KEY, BEAT.number + 1), null)
  t.ok(decodeHeartbeat(encode(), KEY, BEAT.number - 1))
})

test('heartbeat - a number beyond what can be counted is refused, though its tag is right', (t) => {
  t.ok(decodeHeartbeat(encode({ ...BEAT, number: 2 ** 53 - 1 }), KEY, 0))
  t.is(decodeHeartbeat(encode({ ...BEAT, number: 2 ** 53 }), KEY, 0), null)
  t.is(decodeHeartbeat(encode({ ...BEAT, heard: 2 ** 53 }), KEY, 0), null)
})

test('heartbeat - an age outside its field is sent as the nearest inside', (t) => {
  const ago = (heardAgoUs: number) =>
    decodeHeartbeat(encode({ ...BEAT, heardAgoUs }), KEY, 0)?.heardAgoUs
  t.alike([-1, 0.4, 2 ** 32 - 1, 2 ** 40].map(ago), [0, 0, 2 ** 32 - 1, 2 ** 32 - 1])
})
