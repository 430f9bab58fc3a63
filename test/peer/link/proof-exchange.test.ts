import { once } from 'node:events'
import test, { type Test } from 'brittle'

import { systemClock, type Clock } from '../../../src/base/clock.ts'
import { UNPROVEN_BYTES_MAX } from '../../../src/base/limits.ts'
import { exchangeProofs } from '../../../src/peer/link/proof-exchange.ts'
import { PROOF_TIMEOUT_MS } from '../../../src/peer/link/unproven.ts'
import { PROOF_BYTES, proofOf } from '../../../src/wire/proof.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { streamPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'
import type { SwarmError } from '../../../src/base/errors.ts'

const KEY = new Uint8Array(32).fill(1)
const OTHER_KEY = new Uint8Array(32).fill(2)

function pair(t: Test): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const [a, b] = identities(2)
  return streamPair(t, a as Identity, b as Identity)
}

function verdict(
  stream: NoiseSecretStream,
  key: Uint8Array,
  use: 'link' | 'lane' = 'link',
  clock: Clock = systemClock
): Promise<SwarmError | null> {
  return new Promise((resolve) => exchangeProofs(stream, key, { use, clock }, resolve))
}

test('proof exchange - two members prove themselves to each other', async (t) => {
  const [a, b] = await pair(t)
  t.alike(await Promise.all([verdict(a, KEY), verdict(b, KEY)]), [null, null])
})

test('proof exchange - another topic is refused on both sides', async (t) => {
  const [a, b] = await pair(t)
  const verdicts = await Promise.all([verdict(a, KEY), verdict(b, OTHER_KEY)])
  t.alike(
    verdicts.map((error) => error?.code),
    ['WIRE_PROOF', 'WIRE_PROOF']
  )
})

test('proof exchange - a stranger receives exactly one proof and nothing more', async (t) => {
  const [a, stranger] = await pair(t)
  const messages: Uint8Array[] = []
  stranger.on('data', (message: Uint8Array) => messages.push(message))
  const refused = verdict(a, KEY)
  await once(stranger, 'data')
  stranger.write(new Uint8Array(PROOF_BYTES).fill(7))
  t.is((await refused)?.code, 'WIRE_PROOF')
  a.destroy()
  await once(stranger, 'close')
  t.alike(
    messages.map((message) => message.byteLength),
    [PROOF_BYTES]
  )
})

test('proof exchange - our own proof sent back is no proof of the other side', async (t) => {
  const [a, mirror] = await pair(t)
  mirror.on('data', (message: Uint8Array) => mirror.write(new Uint8Array(message)))
  t.is((await verdict(a, KEY))?.code, 'WIRE_PROOF')
})

test('proof exchange - a proof of another connection is worth nothing here', async (t) => {
  const [a, b] = await pair(t)
  const [c] = await pair(t)
  // b holds the topic's proof for the connection it has with somebody else.
  b.write(proofOf(KEY, c.handshakeHash, 'link', false))
  t.is((await verdict(a, KEY))?.code, 'WIRE_PROOF')
})

test('proof exchange - the proof of a lane does not open a link', async (t) => {
  const [a, b] = await pair(t)
  b.write(proofOf(KEY, b.handshakeHash, 'lane', false))
  t.is((await verdict(a, KEY))?.code, 'WIRE_PROOF')
})

test('proof exchange - a proof cut short or prolonged is refused', async (t) => {
  for (const sizeBytes of [0, 1, PROOF_BYTES - 1, PROOF_BYTES + 1, 1000]) {
    const [a, b] = await pair(t)
    const proof = Buffer.alloc(sizeBytes)
    proof.set(proofOf(KEY, b.handshakeHash, 'link', false).subarray(0, sizeBytes))
    b.write(proof)
    t.is((await verdict(a, KEY))?.code, 'WIRE_PROOF', `${sizeBytes} bytes`)
  }
})

test('proof exchange - a large first message is cut off long before it is complete', async (t) => {
  const [a, b] = await pair(t)
  const refused = verdict(a, KEY)
  b.write(Buffer.alloc(15 * 2 ** 20))
  t.is((await refused)?.code, 'WIRE_PROOF')
  t.ok(a.rawBytesWritten < 200, 'we sent our proof and no more')
  t.ok(UNPROVEN_BYTES_MAX < 2 ** 20)
})

test('proof exchange - who says nothing is refused in time', async (t) => {
  const [a] = await pair(t)
  const clock = new FakeClock()
  const refused = verdict(a, KEY, 'link', clock)
  clock.advance(PROOF_TIMEOUT_MS + 200)
  t.ok(/in time/.test((await refused)?.message ?? ''))
})

test('proof exchange - a proof held back is sent when it is wanted', async (t) => {
  const [a, b] = await pair(t)
  let done = 0
  const held = exchangeProofs(b, KEY, { use: 'lane', clock: systemClock, hold: true }, (error) => {
    t.is(error, null)
    done++
    t.is(b.rawBytesWritten, 0, 'nothing was sent yet')
    held.send()
    held.send()
  })
  t.is(await verdict(a, KEY, 'lane'), null)
  t.is(done, 1)
})
