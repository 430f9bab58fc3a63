import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import test, { type Test } from 'brittle'

import { CONNECTIONS_UNPROVEN_MAX } from '../../../src/base/limits.ts'
import { CROSSING_MS } from '../../../src/peer/link/crossing.ts'
import { ONE_SIDED_LIMIT_MS } from '../../../src/peer/link/link.ts'
import { BEAT_INTERVAL_MS, LIMIT_LEAST_MS } from '../../../src/peer/link/jitter.ts'
import { SILENCE_LIMIT_MS, TICK_MS } from '../../../src/peer/link/silence.ts'
import { STUCK_LIMIT_MS } from '../../../src/peer/link/stuck.ts'
import { encodeControl } from '../../../src/wire/control.ts'
import { encodeHello } from '../../../src/wire/hello.ts'
import { HELLO, Side, linked, openChannel, rawPeer } from './link-sides.ts'
import { streamPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'
import type { Link } from '../../../src/peer/link/link.ts'

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
      [sideA, /9\.9\.9 with \w+ version 9, this machine runs 0\.1\.0 with \w+ version [1-8]/],
      [sideB, /0\.1\.0 with \w+ version [1-8], this machine runs 9\.9\.9 with \w+ version 9/]
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

/** A link that heartbeats have come on for two seconds; from now on the other side says nothing. */
async function beating(t: Test) {
  const { sideA, sideB, far } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  far.rawStream.removeAllListeners('data')
  const link = sideA.up[0] as Link
  for (let i = 0; i < 20; i++) {
    link.beat({ peer: link.peer, gapMs: BEAT_INTERVAL_MS, rttMs: 1 })
    sideA.tick(BEAT_INTERVAL_MS, false)
  }
  return { sideA, link }
}

test('links - a peer whose heartbeats stop is gone after the least limit', async (t) => {
  const { sideA, link } = await beating(t)
  t.alike(link.beats, { rttMs: 1, jitterMs: 0, limitMs: LIMIT_LEAST_MS })
  sideA.tick(LIMIT_LEAST_MS - BEAT_INTERVAL_MS, false)
  t.is(link.state, 'up')
  sideA.tick(TICK_MS, false)
  t.is(link.state, 'down')
  t.is(sideA.down[0]?.error.code, 'PEER_GONE')
})

test('links - after an absence a peer gets a fresh and long limit, and a ping at once', async (t) => {
  const { sideA, link } = await beating(t)
  sideA.tick(LIMIT_LEAST_MS - BEAT_INTERVAL_MS, false)
  link.renew()
  t.alike(link.beats, { rttMs: null, jitterMs: null, limitMs: SILENCE_LIMIT_MS })
  sideA.tick(SILENCE_LIMIT_MS, false)
  t.is(link.state, 'up')
  sideA.tick(TICK_MS, false)
  t.is(link.state, 'down')
})

test('links - two crossing connections become one, the same on both sides', async (t) => {
  const [lower, upper] = identities(2) as [Identity, Identity]
  for (const lowerDialsFirst of [true, false]) {
    const [near1, far1] = await streamPair(t, lower, upper)
    const [near2, far2] = await streamPair(t, upper, lower)
    const [sideL, sideU] = [new Side(lower), new Side(upper)]
    // Each side sees the two in its own order.
    for (const stream of lowerDialsFirst ? [near1, far2] : [far2, near1]) sideL.take(stream)
    for (const stream of lowerDialsFirst ? [near2, far1] : [far1, near2]) sideU.take(stream)
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

/** A process with the key of `identity` that knows nothing of an earlier one's link. */
async function restarted(t: Test, identity: Identity, other: Identity) {
  const [near, far] = await streamPair(t, identity, other)
  const side = new Side(identity)
  side.take(near)
  return { side, far }
}

test('links - a peer that dials again has lost the older connection', async (t) => {
  const { sideA, sideB, a, b } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  const { side, far } = await restarted(t, a, b)
  sideB.take(far)
  await Promise.all([
    side.until(() => side.up.length === 1),
    sideB.until(() => sideB.up.length === 2)
  ])
  t.is(sideB.links.up().length, 1)
  t.is(sideB.down.length, 1)
})

/** Time passes at both ends, in which they hear each other. */
async function age(...ends: Side[]): Promise<void> {
  for (let ms = 0; ms <= CROSSING_MS; ms += TICK_MS) {
    for (const end of ends) end.tick(TICK_MS, true)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

test('links - so has one that we had dialled, once our link is no longer young', async (t) => {
  for (const isOld of [false, true]) {
    const { sideA, sideB, a, b } = await linked(t)
    await sideB.until(() => sideB.up.length === 1)
    await sideA.until(() => sideA.up.length === 1)
    // A dialled, and B, the greater key, starts anew and dials A.
    if (isOld) await age(sideA, sideB)
    const { side, far } = await restarted(t, b, a)
    sideA.take(far)
    await Promise.all([
      side.until(() => side.up.length === 1),
      sideA.until(() => sideA.up.length === 2)
    ])
    // B dialled, and A, the lesser key, starts anew: only if B's link is old it cannot have crossed.
    const [near] = sideA.links.up()
    t.is(near?.initiator, false)
    // Time in which a process stands still makes nothing older: what came meanwhile is read after it.
    if (isOld) await age(side, sideA)
    else side.clock.advance(CROSSING_MS + 1)
    const again = await restarted(t, a, b)
    side.take(again.far)
    if (isOld) await side.until(() => side.up.length === 2)
    else await again.side.until(() => again.side.down.length === 1)
    t.is(side.links.up()[0]?.initiator, !isOld)
  }
})

test('links - while one works, no other of our own is offered', async (t) => {
  const { sideA, sideB, a, b } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  for (const [dials, accepts, side] of [
    [a, b, sideA],
    [b, a, sideB]
  ] as const) {
    const [near, far] = await streamPair(t, dials, accepts)
    const received: Uint8Array[] = []
    far.on('data', (message: Uint8Array) => received.push(message))
    const closed = new Promise((resolve) => far.on('close', resolve))
    side.take(near)
    await closed
    t.is(received.length, 0, 'not even a proof')
  }
  t.is(sideA.down.length + sideB.down.length, 0)
})

test('links - strangers that say nothing are bounded and keep nobody out', async (t) => {
  const [self, friend, ...others] = identities(CONNECTIONS_UNPROVEN_MAX + 2) as [
    Identity,
    Identity,
    ...Identity[]
  ]
  const side = new Side(self)
  for (const other of others) side.links.accept((await streamPair(t, self, other))[0])
  const [near, far] = await streamPair(t, self, friend)
  const friendSide = new Side(friend)
  side.links.accept(near)
  friendSide.links.accept(far)
  await side.until(() => side.up.length === 1)
  t.is(side.up[0]?.peer, friend.id)
  t.alike(
    side.down.map(({ link, error }) => [link.peer, error.code]),
    [[others[0]?.id, 'PEER_BUSY']],
    'the oldest stranger made room'
  )
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
  for (; side.down.length === 0 && ms < 2 * STUCK_LIMIT_MS; ms += 250) {
    far.write(Buffer.concat([Buffer.from([1, 1]), encodeControl({ type: 'pong', id: 1 })]))
    await once(near.rawStream, 'data')
    side.tick(250, false)
  }
  t.is(side.down[0]?.error.code, 'PEER_BUSY')
  t.ok(ms >= STUCK_LIMIT_MS && ms < STUCK_LIMIT_MS + 5000, `${ms} ms`)
})

test('links - a stream that is always busy has no more backlog than what waits', async (t) => {
  const { sideA, sideB, near } = await linked(t)
  await Promise.all([
    sideA.until(() => sideA.up.length === 1),
    sideB.until(() => sideB.up.length === 1)
  ])
  const link = sideA.up[0] as Link
  const startBytes = near.rawBytesWritten
  let [shippedBytes, mostBytes] = [0, 0]
  while (shippedBytes < 24 * 2 ** 20) {
    while (shippedBytes - (near.rawBytesWritten - startBytes) < 3 * 2 ** 20) {
      link.ship(new Uint8Array(2 ** 20))
      shippedBytes += 2 ** 20
    }
    mostBytes = Math.max(mostBytes, link.backlogBytes)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(mostBytes >= 2 * 2 ** 20 && mostBytes < 5 * 2 ** 20, `${mostBytes} bytes`)
  await sideB.until(() => sideB.frames.length === 24)
  await new Promise((resolve) => setImmediate(resolve))
  t.is(link.backlogBytes, 0)
})
