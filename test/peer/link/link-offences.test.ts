import c from 'compact-encoding'
import test from 'brittle'

import { CHANNEL_OPENS_BURST, CONTROL_MESSAGES_BURST } from '../../../src/base/limits.ts'
import { encodeControl } from '../../../src/wire/control.ts'
import { encodeHello } from '../../../src/wire/hello.ts'
import { HELLO, Side, openChannel, rawPeer } from './link-sides.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'

// What a member can write once it has proven itself. Each ends its own link with a code, and nothing else.
const OFFENCES: [string, string, (far: NoiseSecretStream) => void][] = [
  ['a malformed hello', 'WIRE_BAD_FRAME', (far) => far.write(Buffer.from([1, 0, 1]))],
  [
    'a hello cut short',
    'WIRE_BAD_FRAME',
    (far) => far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO).subarray(0, 20)]))
  ],
  [
    'a hello that goes on',
    'WIRE_BAD_FRAME',
    (far) => far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO), Buffer.from([0])]))
  ],
  [
    'control before hello',
    'WIRE_BAD_FRAME',
    (far) => far.write(Buffer.concat([Buffer.from([1, 1]), encodeControl({ type: 'leave' })]))
  ],
  ['a frame before hello', 'WIRE_BAD_FRAME', (far) => far.write(Buffer.from([2, 0, 1, 2, 3]))],
  [
    'two hellos',
    'WIRE_BAD_FRAME',
    (far) => {
      for (let i = 0; i < 2; i++) {
        far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
      }
    }
  ],
  [
    'an unknown control message',
    'WIRE_UNKNOWN_TYPE',
    (far) => {
      far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
      far.write(Buffer.from([1, 1, 99]))
    }
  ],
  [
    'a flood of control messages',
    'WIRE_BAD_FRAME',
    (far) => {
      far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
      for (let id = 0; id < 2 * CONTROL_MESSAGES_BURST; id++) {
        far.write(Buffer.concat([Buffer.from([1, 1]), encodeControl({ type: 'pong', id })]))
      }
    }
  ],
  [
    'a flood of channels',
    'WIRE_TOO_LARGE',
    (far) => {
      for (let i = 0; i < 2 * CHANNEL_OPENS_BURST; i++) openChannel(far, 3, `nobody knows ${i}`)
    }
  ],
  [
    'closing the channel of frames alone',
    'PEER_GONE',
    (far) => {
      far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
      far.write(Buffer.from([0, 3, 2]))
    }
  ],
  [
    'a batch of very many messages',
    'WIRE_TOO_LARGE',
    (far) => {
      far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
      // 0,0: a batch; 2: of the frame channel; then each message with its length: type 0 and one byte.
      const messages = Buffer.from(Array.from({ length: 100_000 }, () => [2, 0, 7]).flat())
      far.write(Buffer.concat([Buffer.from([0, 0, 2]), messages]))
    }
  ],
  ['a channel opened twice', 'WIRE_BAD_FRAME', (far) => openChannel(far, 1, 'swarm/control')],
  [
    'batches nested until the stack ends',
    'WIRE_BAD_FRAME',
    (far) => {
      // 0,0: a batch; 0: of the control channel; then a length and the next batch.
      let bytes = Buffer.from([0])
      for (let depth = 0; depth < 20_000; depth++) {
        const length = c.encode(c.uint, bytes.byteLength)
        bytes = Buffer.concat([Buffer.from([0, 0]), length, bytes])
      }
      far.write(Buffer.concat([Buffer.from([0]), bytes]))
    }
  ]
]

for (const [name, code, offend] of OFFENCES) {
  test(`links - ${name} ends that link with ${code} and nothing else`, async (t) => {
    const [a, b] = identities(2) as [Identity, Identity]
    const { near, far, prove } = await rawPeer(t, b, a)
    const side = new Side(a)
    side.links.accept(near)
    prove()
    openChannel(far, 1, 'swarm/control')
    openChannel(far, 2, 'swarm/frames')
    offend(far)
    await side.until(() => side.down.length === 1)
    t.is(side.down[0]?.error.code, code, side.down[0]?.error.message)
    t.is(side.links.up().length, 0)
  })
}
