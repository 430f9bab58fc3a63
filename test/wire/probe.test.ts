import test from 'brittle'

import { MESSAGE_BYTES_MAX, PROBE_PADDING_BYTES_MAX } from '../../src/base/limits.ts'
import { decodeProbe, encodeProbe, type ProbeMessage } from '../../src/wire/probe.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

const codec: Codec<ProbeMessage> = { encode: encodeProbe, decode: decodeProbe }
const padding = new Uint8Array(5).fill(7)

const MESSAGES: ProbeMessage[] = [
  { type: 'hello', name: 'boron', mtuBytes: 9000, measures: true },
  { type: 'ping', id: 4_000_000_000, padding },
  { type: 'pong', id: 0, padding: new Uint8Array(0) },
  { type: 'data', padding },
  { type: 'end' },
  { type: 'report', sizeBytes: 2 ** 40, durationUs: 1_000_000 },
  { type: 'plain-request' },
  { type: 'plain-offer', port: 65_535, token: new Uint8Array(16).fill(9) },
  { type: 'result', rttUs: 140, activationRttUs: 210 }
]

for (const message of MESSAGES) {
  test(`probe - '${message.type}' withstands foreign bytes`, (t) => {
    checkDecoder(t, codec, message)
  })
}

test('probe - the numbers on the wire stay what they are', (t) => {
  const numbers = MESSAGES.map((message) => encodeProbe(message)[0])
  t.alike(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8])
  t.is(refusal(codec, new Uint8Array([9]))?.code, 'WIRE_UNKNOWN_TYPE')
})

test('probe - padding is refused one byte beyond its bound, before it is read', (t) => {
  const data = (sizeBytes: number): ProbeMessage => {
    return { type: 'data', padding: new Uint8Array(sizeBytes) }
  }
  t.is(encodeRefusal(codec, data(PROBE_PADDING_BYTES_MAX)), null)
  t.ok(encodeProbe(data(PROBE_PADDING_BYTES_MAX)).byteLength <= MESSAGE_BYTES_MAX)
  t.is(encodeRefusal(codec, data(PROBE_PADDING_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([3, 255, 255]))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array(MESSAGE_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
})

test('probe - a port of 0 is none', (t) => {
  const offer: ProbeMessage = { type: 'plain-offer', port: 0, token: new Uint8Array(16) }
  t.is(encodeRefusal(codec, offer)?.code, 'WIRE_BAD_FRAME')
})
