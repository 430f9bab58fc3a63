import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import c from 'compact-encoding'
import test, { type Test } from 'brittle'

import {
  CHANNEL_OPENS_BURST,
  CONNECTIONS_UNPROVEN_MAX,
  CONTROL_MESSAGES_BURST
} from '../../src/base/limits.ts'
import { ONE_SIDED_LIMIT_MS } from '../../src/peer/link.ts'
import { Links } from '../../src/peer/links.ts'
import { SILENCE_LIMIT_MS } from '../../src/peer/silence.ts'
import { encodeControl, type ControlMessage } from '../../src/wire/control.ts'
import { PROTOCOL_VERSION, encodeHello, type Hello } from '../../src/wire/hello.ts'
import { proofOf } from '../../src/wire/proof.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { streamPair } from './stream-pair.ts'
import { identities } from './test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { SwarmError } from '../../src/base/errors.ts'
import type { Identity } from '../../src/peer/identity.ts'
import type { Link } from '../../src/peer/link.ts'

const KEY = new Uint8Array(32).fill(1)
const HELLO: Hello = {
  protocolVersion: PROTOCOL_VERSION,
  arithmeticVersion: 1,
  programVersion: '0.1.0',
  name: 'test',
  upMs: 0,
  lane: { port: 0, addresses: [] },
  model: null,
  record: null
}

class Side {
  readonly clock = new FakeClock()
  readonly links: Links
  readonly up: Link[] = []
  readonly down: { link: Link; error: SwarmError; left: boolean }[] = []
  readonly control: ControlMessage[] = []
  readonly frames: Uint8Array[] = []
  readonly refused: SwarmError[] = []
  #waiting: (() => void)[] = []

  constructor(self: Identity, hello: Partial<Hello> = {}, proofKey = KEY) {
    const note = (work: () => void) => {
      work()
      for (const look of this.#waiting.splice(0)) look()
    }
    this.links = new Links(
      self.id,
      { proofKey, clock: this.clock, hello: () => ({ ...HELLO, ...hello }) },
      {
        onUp: (link) => note(() => this.up.push(link)),
        onDown: (link, error, left) => note(() => this.down.push({ link, error, left })),
        onControl: (_, message) => note(() => this.control.push(message)),
        onFrame: (_, frame) => note(() => this.frames.push(frame)),
        onRefused: (_, error) => note(() => this.refused.push(error))
      }
    )
  }

  /** Time in which this side listens. */
  tick(ms: number, pingNow: boolean): void {
    this.clock.advance(ms)
    this.links.tick(ms, pingNow)
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

async function linked(t: Test, helloB: Partial<Hello> = {}) {
  const [a, b] = identities(2) as [Identity, Identity]
  const [near, far] = await streamPair(t, a, b)
  const [sideA, sideB] = [new Side(a), new Side(b, helloB)]
  sideA.links.accept(near)
  sideB.links.accept(far)
  return { a, b, sideA, sideB, near, far }
}

/** A peer made by hand: it proves itself and then writes whatever the test wants. */
async function rawPeer(t: Test, self: Identity, other: Identity) {
  const [near, far] = await streamPair(t, other, self)
  const received: Uint8Array[] = []
  far.on('data', (message: Uint8Array) => received.push(message))
  return {
    near,
    far,
    received,
    prove: () => far.write(proofOf(KEY, far.handshakeHash, 'link', false))
  }
}

/** Opens protomux channel `id` with this protocol, as protomux itself would. */
function openChannel(far: NoiseSecretStream, id: number, protocol: string): void {
  const name = c.encode(c.string, protocol)
  far.write(Buffer.concat([new Uint8Array([0, 1, id]), name, new Uint8Array([0])]))
}

test('links - come up on both sides after both hellos', async (t) => {
  const { sideA, sideB, a, b } = await linked(t, { name: 'other', upMs: 7 })
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  t.is(sideA.up[0]?.peer, b.id)
  t.is(sideA.up[0]?.hello.name, 'other')
  t.is(sideA.up[0]?.hello.upMs, 7)
  t.is(sideB.links.get(a.id), sideB.up[0] as Link)
})

test('links - a connection whose other side never answers does not come up', async (t) => {
  const [a, b] = identities(2) as [Identity, Identity]
  const { near, prove } = await rawPeer(t, b, a)
  const side = new Side(a)
  side.links.accept(near)
  prove()
  while (side.down.length === 0) {
    side.tick(125, true)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(side.up.length, 0)
  t.is(side.down[0]?.error.code, 'PEER_TIMEOUT')
})

/** A connection that exists on our side only: what is written goes nowhere. */
function oneSided(remotePublicKey: Uint8Array) {
  const stream = Object.assign(new EventEmitter(), {
    remotePublicKey,
    isInitiator: true,
    handshakeHash: new Uint8Array(64),
    rawStream: new EventEmitter(),
    isDestroyed: false,
    write: () => true,
    destroy: () => void (stream.isDestroyed = true)
  })
  return stream
}

test('links - a connection on which nothing comes back is dropped after a second', (t) => {
  const [a, b] = identities(2) as [Identity, Identity]
  const side = new Side(a)
  const stream = oneSided(b.keyPair.publicKey)
  side.links.accept(stream as unknown as NoiseSecretStream)
  for (let ms = 0; ms < ONE_SIDED_LIMIT_MS; ms += 125) side.tick(125, true)
  t.absent(stream.isDestroyed)
  side.tick(125, true)
  t.ok(stream.isDestroyed)
  t.is(side.down[0]?.error.code, 'PEER_GONE')
  t.is(side.links.expects(b.id), false)
})

test('links - one byte of the other side earns it the time for its proof', (t) => {
  const [a, b] = identities(2) as [Identity, Identity]
  const side = new Side(a)
  const stream = oneSided(b.keyPair.publicKey)
  side.links.accept(stream as unknown as NoiseSecretStream)
  side.tick(500, true)
  stream.rawStream.emit('data', new Uint8Array(1))
  side.tick(ONE_SIDED_LIMIT_MS, true)
  t.absent(stream.isDestroyed)
  side.tick(3000, true)
  t.is(side.down[0]?.error.code, 'WIRE_PROOF')
})

test('links - a wrong topic is refused before anything but the proof was sent', async (t) => {
  const [a, b] = identities(2) as [Identity, Identity]
  const { near, received, far } = await rawPeer(t, b, a)
  const side = new Side(a)
  side.links.accept(near)
  far.write(new Uint8Array(32))
  await side.until(() => side.down.length === 1)
  await once(far, 'close')
  t.is(side.down[0]?.error.code, 'WIRE_PROOF')
  t.alike(
    received.map(({ byteLength }) => byteLength),
    [32]
  )
})

test('links - other versions are refused by name on both sides', async (t) => {
  for (const other of [{ protocolVersion: 9 }, { arithmeticVersion: 9 }]) {
    const { sideA, sideB } = await linked(t, { ...other, programVersion: '9.9.9' })
    await Promise.all([
      sideA.until(() => sideA.down.length === 1),
      sideB.until(() => sideB.down.length === 1)
    ])
    for (const [side, versions] of [
      [sideA, /9\.9\.9 with \w+ version 9, this machine runs 0\.1\.0 with \w+ version 1/],
      [sideB, /0\.1\.0 with \w+ version 1, this machine runs 9\.9\.9 with \w+ version 9/]
    ] as const) {
      t.is(side.up.length, 0)
      t.is(side.down[0]?.error.code, 'WIRE_VERSION')
      t.ok(versions.test(side.down[0]?.error.message ?? ''), side.down[0]?.error.message)
    }
  }
})

test('links - goodbye is told apart from a failure', async (t) => {
  const { sideA, sideB } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  await sideA.links.close()
  await sideB.until(() => sideB.down.length === 1)
  t.ok(sideB.down[0]?.left)
  t.is(sideB.down[0]?.error.code, 'PEER_GONE')
})

test('links - a peer that falls silent is gone, one that answers is not', async (t) => {
  const { sideA, sideB, far } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  for (let ms = 0; ms <= 3 * SILENCE_LIMIT_MS; ms += 125) {
    const before = far.rawBytesWritten
    sideA.tick(125, true)
    while (far.rawBytesWritten === before) await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(sideA.down.length, 0)
  far.rawStream.removeAllListeners('data') // frozen: nothing is read any more
  for (let ms = 0; ms <= SILENCE_LIMIT_MS; ms += 125) {
    sideA.tick(125, true)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(sideA.down[0]?.error.code, 'PEER_GONE')
  t.ok(/silent/.test(sideA.down[0]?.error.message ?? ''))
})

test('links - two crossing connections become one, the same on both sides', async (t) => {
  const [lower, upper] = identities(2) as [Identity, Identity]
  for (const lowerDialsFirst of [true, false]) {
    const [near1, far1] = await streamPair(t, lower, upper)
    const [near2, far2] = await streamPair(t, upper, lower)
    const [sideL, sideU] = [new Side(lower), new Side(upper)]
    // Each side sees the two in its own order.
    for (const stream of lowerDialsFirst ? [near1, far2] : [far2, near1]) sideL.links.accept(stream)
    for (const stream of lowerDialsFirst ? [near2, far1] : [far1, near2]) sideU.links.accept(stream)
    await Promise.all([
      sideL.until(() => sideL.links.up().length === 1),
      sideU.until(() => sideU.links.up().length === 1)
    ])
    t.is(sideL.links.up()[0]?.initiator, false, 'the one that the greater key opened')
    t.is(sideU.links.up()[0]?.initiator, true)
    t.is(sideL.up.length, 1)
    t.is(sideU.up.length, 1)
  }
})

test('links - a peer that dials again has lost the older connection', async (t) => {
  const { sideA, sideB, a, b } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  const [near, far] = await streamPair(t, a, b)
  sideA.links.accept(near)
  sideB.links.accept(far)
  await Promise.all([
    sideA.until(() => sideA.up.length === 2),
    sideB.until(() => sideB.up.length === 2)
  ])
  t.is(sideA.links.up().length, 1)
  t.is(sideA.down.length, 1)
})

test('links - strangers beyond the bound wait for nobody', async (t) => {
  const [self, ...others] = identities(CONNECTIONS_UNPROVEN_MAX + 2) as [Identity, ...Identity[]]
  const side = new Side(self)
  for (const other of others) side.links.accept((await streamPair(t, self, other))[0])
  t.is(side.refused.length, 1)
  t.is(side.refused[0]?.code, 'PEER_BUSY')
})

test('links - our own key is not linked to', async (t) => {
  const [a] = identities(1) as [Identity]
  const side = new Side(a)
  side.links.accept((await streamPair(t, a, a))[0])
  t.is(side.refused[0]?.code, 'PEER_BUSY')
})

test('links - a peer that talks but never reads is closed before memory fills', async (t) => {
  const [a, b] = identities(2) as [Identity, Identity]
  const { near, far, prove } = await rawPeer(t, b, a)
  const side = new Side(a)
  side.links.accept(near)
  prove()
  openChannel(far, 1, 'swarm/control')
  openChannel(far, 2, 'swarm/frames')
  far.write(Buffer.concat([Buffer.from([1, 0]), encodeHello(HELLO)]))
  await side.until(() => side.up.length === 1)
  const link = side.up[0] as Link
  far.rawStream.removeAllListeners('data')
  ;(far.rawStream as Socket).pause()
  for (let i = 0; i < 8; i++) link.ship(new Uint8Array(4 * 2 ** 20))
  t.ok(link.backlogBytes > 4 * 2 ** 20)
  let ms = 0
  for (; side.down.length === 0 && ms < 60_000; ms += 250) {
    far.write(Buffer.concat([Buffer.from([1, 1]), encodeControl({ type: 'pong', id: 1 })]))
    await once(near.rawStream, 'data')
    side.tick(250, false)
  }
  t.is(side.down[0]?.error.code, 'PEER_BUSY')
  t.ok(ms >= 30_000 && ms < 40_000, `${ms} ms`)
})

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
