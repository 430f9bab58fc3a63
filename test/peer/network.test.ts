import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import createTestnet from 'hyperdht/testnet.js'
import test, { type Test } from 'brittle'

import { openBootstrap } from '../../src/peer/find/bootstrap.ts'
import { openTopic } from '../../src/peer/topic.ts'
import { encodeBeacon } from '../../src/wire/beacon.ts'
import { ACTIVATION_HEADER_BYTES } from '../../src/wire/session-codec.ts'
import { closeMessage } from '../helpers/session-messages.ts'
import { ownPort } from '../helpers/own-port.ts'
import { TestPeer, identities } from './test-peer.ts'

import type { Address } from '../../src/peer/address.ts'
import type { Identity } from '../../src/peer/identity.ts'
import type { ActivationMessage, CloseMessage } from '../../src/wire/session.ts'
import type { PeerId, SessionId } from '../../src/wire/ids.ts'

// Tests of different files run at once on one machine; a name of its own keeps them apart.
const topic = () => `test ${randomBytes(8).toString('hex')}`
const SESSION = 'ab'.repeat(16) as SessionId

async function bootstrapFor(t: Test): Promise<Address[]> {
  const { bootstrap } = await createTestnet(4, {
    host: '127.0.0.1',
    teardown: t.teardown.bind(t)
  })
  return bootstrap
}

async function linked(a: TestPeer, b: TestPeer): Promise<void> {
  await Promise.all([a.event('link-up', b.id), b.event('link-up', a.id)])
}

const STAGE_1 = { index: 1, stop: 1, drafted: false, company: 0 }

test('network - two peers meet through a private bootstrap and open a TCP lane', async (t) => {
  const bootstrap = await bootstrapFor(t)
  const [one, two] = identities(2) as [Identity, Identity]
  const name = topic()
  const a = await TestPeer.open(t, { identity: one, topic: name, bootstrap })
  const b = await TestPeer.open(t, { identity: two, topic: name, bootstrap, facts: { name: 'b' } })
  await linked(a, b)
  await Promise.all([a.lane(b.id), b.lane(a.id)])
  const [link] = a.network.links()
  t.is(link?.hello.name, 'b')
  t.is(link?.host, '127.0.0.1')
})

test('network - two that start at the same moment do not miss each other', async (t) => {
  const bootstrap = await bootstrapFor(t)
  const name = topic()
  const [a, b] = (await Promise.all(
    identities(2).map((identity) => TestPeer.open(t, { identity, topic: name, bootstrap }))
  )) as [TestPeer, TestPeer]
  await linked(a, b)
  t.is(a.network.links().length, 1)
  t.is(b.network.links().length, 1)
})

test('network - our own bootstrap serves as one', async (t) => {
  const bootstrap = await openBootstrap({ port: 0, host: '127.0.0.1' })
  t.teardown(() => bootstrap.close(), { order: Infinity })
  const name = topic()
  const [a, b] = (await Promise.all(
    identities(2).map((identity) => {
      const host = '0.0.0.0' // as a user's process: firewalled until it knows better
      const options = { identity, topic: name, bootstrap: [bootstrap.address], overrides: { host } }
      return TestPeer.open(t, options)
    })
  )) as [TestPeer, TestPeer]
  await linked(a, b)
  t.pass()
})

test('network - two peers meet by beacon alone, whichever key is greater', async (t) => {
  const [one, two] = identities(2) as [Identity, Identity]
  for (const [first, second] of [
    [one, two],
    [two, one]
  ] as const) {
    const name = topic()
    const a = await TestPeer.open(t, { identity: first, topic: name })
    const b = await TestPeer.open(t, { identity: second, topic: name })
    await linked(a, b)
    await Promise.all([a.lane(b.id), b.lane(a.id)])
  }
  t.pass()
})

test('network - three peers by beacon and with a secret: everyone with everyone', async (t) => {
  const name = topic()
  const peers = await Promise.all(
    identities(3).map((identity) =>
      TestPeer.open(t, { identity, topic: name, secret: 'between us' })
    )
  )
  for (const a of peers) {
    for (const b of peers) if (a !== b) await a.event('link-up', b.id)
  }
  t.ok(peers.every(({ network }) => network.links().length === 2))
})

test('network - another secret or another name is another world', async (t) => {
  const name = topic()
  const [one, two, three, four] = identities(4) as [Identity, Identity, Identity, Identity]
  const a = await TestPeer.open(t, { identity: one, topic: name, secret: 'right' })
  const stranger = await TestPeer.open(t, { identity: two, topic: name, secret: 'wrong' })
  const other = await TestPeer.open(t, { identity: three, topic: topic(), secret: 'right' })
  const friend = await TestPeer.open(t, { identity: four, topic: name, secret: 'right' })
  await linked(a, friend)
  t.is(stranger.events.filter(({ type }) => type === 'link-up').length, 0)
  t.is(other.events.filter(({ type }) => type === 'link-up').length, 0)
  t.is(a.network.links().length, 1)
})

test('network - other arithmetic is refused by name on both sides, and no link comes up', async (t) => {
  const bootstrap = await bootstrapFor(t)
  const [one, two] = identities(2) as [Identity, Identity]
  const name = topic()
  const a = await TestPeer.open(t, { identity: one, topic: name, bootstrap })
  const b = await TestPeer.open(t, {
    identity: two,
    topic: name,
    bootstrap,
    facts: { arithmeticVersion: 2, programVersion: '0.2.0' }
  })
  const [atA, atB] = await Promise.all([a.event('refused'), b.event('refused')])
  t.is(atA.error.code, 'WIRE_VERSION')
  t.is(atB.error.code, 'WIRE_VERSION')
  t.ok(/runs 0\.2\.0 with arithmetic version 2, this machine runs 0\.1\.0/.test(atA.error.message))
  t.ok(/runs 0\.1\.0 with arithmetic version 1, this machine runs 0\.2\.0/.test(atB.error.message))
  t.is(a.network.links().length + b.network.links().length, 0)
})

test('network - two peers that dial each other at once have one link', async (t) => {
  const bootstrap = await bootstrapFor(t)
  const name = topic()
  // Both ways of being found at once, so that both sides dial.
  const peers = await Promise.all(
    identities(2).map((identity) =>
      TestPeer.open(t, {
        identity,
        topic: name,
        bootstrap,
        overrides: { beacon: true, host: '0.0.0.0' }
      })
    )
  )
  const [a, b] = peers as [TestPeer, TestPeer]
  await linked(a, b)
  await Promise.all([a.lane(b.id), b.lane(a.id)])
  t.is(a.network.links().length, 1)
  t.is(b.network.links().length, 1)
})

async function activationsArrive(t: Test, a: TestPeer, b: TestPeer): Promise<void> {
  const hop = a.network.hops.to(b.id)
  const count = 12
  const [nTokens, dim] = [4, 2 ** 16] // one mebibyte of f32
  for (let position = 0; position < count; position++) {
    hop.send(closeMessage(2 * position))
    const header = {
      session: SESSION,
      epoch: 1,
      ...STAGE_1,
      position,
      nTokens,
      dim,
      sample: position % 2 === 1
    }
    const frame = hop.allocate(header)
    for (let at = 0; at < frame.payload.byteLength; at += 4096) {
      frame.payload.fill((position * 31 + at / 4096) & 255, at, at + 4096)
    }
    frame.send()
    hop.send(closeMessage(2 * position + 1))
  }
  await b.until(() => b.received.length === 3 * count)
  t.ok(b.received.every(({ from }) => from === a.id))
  const order = b.received.map(({ message }) =>
    message.type === 'activation'
      ? `a${message.position}`
      : Number(`0x${(message as CloseMessage).session}`)
  )
  t.alike(
    order,
    Array.from({ length: count }, (_, i) => [2 * i, `a${i}`, 2 * i + 1]).flat(),
    'in the order sent'
  )
  const wrong = b.received
    .map(({ message }) => message)
    .filter((message): message is ActivationMessage => message.type === 'activation')
    .filter(({ payload, position, sample }) => {
      if (payload.byteLength !== 4 * nTokens * dim || sample !== (position % 2 === 1)) return true
      return !payload.every((byte, at) => byte === ((position * 31 + (at >>> 12)) & 255))
    })
  t.is(wrong.length, 0, 'every byte as sent')
}

async function beaconPair(t: Test, overrides = {}): Promise<[TestPeer, TestPeer]> {
  const name = topic()
  const [one, two] = identities(2) as [Identity, Identity]
  const a = await TestPeer.open(t, { identity: one, topic: name, overrides })
  const b = await TestPeer.open(t, { identity: two, topic: name, overrides })
  await linked(a, b)
  return [a, b]
}

test('network - activations of 1 MiB and small messages arrive in order on the lane', async (t) => {
  const [a, b] = await beaconPair(t)
  // Not awaited: what is sent before the lane is chosen goes first on it.
  await activationsArrive(t, a, b)
  t.is(a.network.links()[0]?.lane, 'tcp')
})

test('network - without TCP the same arrives on the link itself', async (t) => {
  // Lanes are accepted where the other side does not look for them.
  const [a, b] = await beaconPair(t, { laneHost: '127.0.0.77' })
  await Promise.all([a.lane(b.id, 'udx'), b.lane(a.id, 'udx')])
  await activationsArrive(t, a, b)
  t.is(b.network.links()[0]?.lane, 'udx')
})

test('network - a record reaches a peer that is not linked, through a third', async (t) => {
  const name = topic()
  const [one, two, three] = identities(3) as [Identity, Identity, Identity]
  const boot1 = await bootstrapFor(t)
  const boot2 = await bootstrapFor(t)
  // a and c are on different networks; only b is on both, as two processes would not be.
  const a = await TestPeer.open(t, { identity: one, topic: name, bootstrap: boot1 })
  const c = await TestPeer.open(t, { identity: three, topic: name, bootstrap: boot2 })
  const b = await TestPeer.open(t, { identity: two, topic: name, bootstrap: [...boot1, ...boot2] })
  await Promise.all([linked(a, b), linked(b, c)])
  a.network.publish({ held: [{ start: 3, end: 9 }] })
  const seen = await c.until(() => {
    const peer = c.network.directory.get(a.id)
    return peer?.record.held.length && peer.state === 'alive' ? peer : null
  })
  t.alike(seen.record.held, [{ start: 3, end: 9 }])
  t.absent(c.network.links().some(({ peer }) => peer === a.id))
})

test('network - what is published reaches the others, model and all', async (t) => {
  const [a, b] = await beaconPair(t)
  const model = { id: '7e'.repeat(32), name: 'tiny.gguf', givesWay: true }
  a.network.publish({ model, loading: { range: { start: 0, end: 4 }, percent: 50 } })
  const peer = await b.until(() => {
    const found = b.network.directory.get(a.id)
    return found?.record.model ? found : null
  })
  t.alike(peer.record.model, model)
  t.is(peer.state, 'alive')
})

test('network - who closes has left, for its neighbours at once', async (t) => {
  const [a, b] = await beaconPair(t)
  b.network.hops.to(a.id)
  await a.network.close()
  const down = await b.event('link-down', a.id)
  t.ok(down.left)
  t.is(b.network.directory.get(a.id)?.state, 'left')
  t.alike(b.gone, [a.id])
  await t.exception(() => b.network.hops.to(a.id), /no link/)
})

test('network - a copied identity is named on both sides', async (t) => {
  const name = topic()
  const [one] = identities(1) as [Identity]
  const a = await TestPeer.open(t, { identity: one, topic: name })
  const b = await TestPeer.open(t, { identity: one, topic: name })
  const events = await Promise.all([a.event('duplicate'), b.event('duplicate')])
  t.ok(events.every(({ error }) => error.code === 'PEER_DUPLICATE'))
  t.ok(events[0].error.message.includes('data directory was copied'))
})

test('network - a copied identity is named on both sides through a third peer', async (t) => {
  const bootstrap = await bootstrapFor(t)
  const name = topic()
  const [one, two] = identities(2) as [Identity, Identity]
  const open = (identity: Identity) => TestPeer.open(t, { identity, topic: name, bootstrap })
  const third = await open(two)
  const a = await open(one)
  await linked(third, a)
  const b = await open(one)
  const events = await Promise.all([a.event('duplicate'), b.event('duplicate')])
  t.ok(events.every(({ error }) => error.code === 'PEER_DUPLICATE'))
})

test('network - a peer that does not read its lane is closed as too slow', async (t) => {
  const [a, b] = await beaconPair(t)
  await Promise.all([a.lane(b.id), b.lane(a.id)])
  const hop = a.network.hops.to(b.id)
  // Within one tick nothing can be read: all of it is backlog.
  for (let i = 0; i < 80 && a.gone.length === 0; i++) {
    const span = { ...STAGE_1, position: i, nTokens: 4, dim: 2 ** 16 }
    const header = { session: SESSION, epoch: 1, ...span, sample: false }
    hop.allocate(header).send()
  }
  const refused = await a.event('refused', b.id)
  t.is(refused.error.code, 'PEER_BUSY')
  t.alike(a.gone, [b.id])
  await a.lane(b.id)
  a.network.hops.to(b.id).send(closeMessage(1))
  await b.until(() => b.received.some(({ message }) => message.type === 'close'))
  t.pass('a new lane serves new sessions')
})

test('network - a stall of our own for three seconds blames nobody', async (t) => {
  // Both peers live in this process, so neither can blame the other by right.
  const [a, b] = await beaconPair(t)
  await Promise.all([a.lane(b.id), b.lane(a.id)])
  for (let round = 1; round <= 2; round++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000)
    for (let i = 0; i < 20; i++) {
      a.network.hops.to(b.id).send(closeMessage(i))
      await b.until(() => b.received.length >= 20 * (round - 1) + i + 1)
    }
    // Until both have ticked again, more than once.
    const ticked = a.network.links()[0]?.upMs as number
    const digest = b.network.directory.get(a.id)?.record.seq as number
    a.network.publish({})
    await b.until(() => (b.network.directory.get(a.id)?.record.seq as number) > digest)
    t.ok((a.network.links()[0]?.upMs as number) > ticked)
  }
  t.absent([...a.events, ...b.events].some(({ type }) => type === 'link-down'))
  t.alike([...a.gone, ...b.gone], [])
})

test('network - a malformed session frame ends the link and is an event', async (t) => {
  const name = topic()
  const [one, two] = identities(2) as [Identity, Identity]
  const a = await TestPeer.open(t, { identity: one, topic: name })
  const b = await TestPeer.open(t, { identity: two, topic: name })
  await Promise.all([a.lane(two.id), b.lane(one.id)])
  const span = { ...STAGE_1, position: 0, nTokens: 1, dim: 1 }
  const header = { session: SESSION, epoch: 1, ...span, sample: false }
  const frame = a.network.hops.to(two.id).allocate(header)
  // The header lies before the payload; its first byte is the type of the message.
  new DataView(frame.payload.buffer, frame.payload.byteOffset - ACTIVATION_HEADER_BYTES).setUint8(
    0,
    77
  )
  frame.send()
  const down = await b.event('link-down', one.id)
  t.is(down.error.code, 'WIRE_UNKNOWN_TYPE')
  t.is((await b.event('refused', one.id)).error.code, 'WIRE_UNKNOWN_TYPE')
})

test('network - forged beacons with keys that are none cost a dial and nothing else', async (t) => {
  const name = topic()
  const beaconPort = ownPort()
  const [one, two] = identities(2) as [Identity, Identity]
  const a = await TestPeer.open(t, { identity: one, topic: name, overrides: { beaconPort } })
  const { beaconKey } = openTopic({
    name,
    secret: null,
    bootstrap: false,
    public: false,
    lanOnly: true
  })
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  // Points of low order, points on no curve, and a number above the field: all below our own key, so
  // that it is us who dials them.
  const keys = ['00'.repeat(32), `d0${'ff'.repeat(31)}`]
  for (let first = 1; first < 10; first++) keys.push(`0${first}`.padEnd(64, '0'))
  t.ok(keys.every((key) => key < one.id))
  for (const key of keys) {
    const forged = { key: key as PeerId, instance: '00'.repeat(8), dhtPort: 9, lanePort: 9 }
    socket.send(encodeBeacon(forged, beaconKey), beaconPort, '127.0.0.1')
  }
  await once(socket, 'message') // it answers a newcomer, so it has read them
  const b = await TestPeer.open(t, { identity: two, topic: name, overrides: { beaconPort } })
  await linked(a, b)
  t.is(a.network.links().length, 1)
})

test('network - closing twice, or before anything was found, is quiet and quick', async (t) => {
  const [one] = identities(1) as [Identity]
  const peer = new TestPeer({ identity: one, topic: topic() })
  await peer.network.open()
  await Promise.all([peer.network.close(), peer.network.close()])
  t.alike(peer.network.links(), [])
  const never = new TestPeer({ identity: one, topic: topic() })
  await never.network.close()
})

test('network - the identity is the Noise key: links name peers by it', async (t) => {
  const [a, b] = await beaconPair(t)
  const ids: PeerId[] = [a.network.links()[0]?.peer as PeerId, b.network.links()[0]?.peer as PeerId]
  t.alike(ids, [b.id, a.id])
  t.is(a.network.hops.self, a.id)
})
