import test from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { HOP_BACKLOG_BYTES_MAX } from '../../../src/base/limits.ts'
import { createLog, type LogLine } from '../../../src/base/log.ts'
import { PeerHops } from '../../../src/peer/hops/hops.ts'
import { decodeSessionMessage, encodeSessionMessage } from '../../../src/wire/session-codec.ts'

import type { Carrier } from '../../../src/peer/lane/carrier.ts'
import type { PeerId, SessionId } from '../../../src/wire/ids.ts'
import type { ActivationHeader, CloseMessage, SessionMessage } from '../../../src/wire/session.ts'

const SELF = 'aa'.repeat(32) as PeerId
const PEER = 'bb'.repeat(32) as PeerId
const SESSION = '0123456789abcdef0123456789abcdef' as SessionId

function close(index: number): CloseMessage {
  return {
    type: 'close',
    session: index.toString(16).padStart(32, '0') as SessionId,
    epoch: 1,
    isReleased: false
  }
}

function header(nTokens: number, dim: number): ActivationHeader {
  return {
    session: SESSION,
    epoch: 1,
    index: 1,
    stop: 1,
    position: 0,
    nTokens,
    dim,
    sample: false,
    drafted: false,
    company: 0
  }
}

class FakeCarrier implements Carrier {
  readonly kind = 'tcp'
  backlogBytes = 0
  readonly shipped: Uint8Array[] = []
  closed: SwarmError | null = null

  ship(bytes: Uint8Array): void {
    this.shipped.push(new Uint8Array(bytes))
  }

  allocate(sizeBytes: number) {
    const bytes = new Uint8Array(sizeBytes)
    return { bytes, ship: () => this.shipped.push(bytes) as unknown as void }
  }

  close(error: SwarmError): void {
    this.closed = error
  }
}

function setUp(carrier: FakeCarrier | null) {
  const world = {
    carrier,
    linked: true,
    received: [] as SessionMessage[],
    gone: [] as PeerId[],
    log: [] as LogLine[],
    hops: null as unknown as PeerHops
  }
  world.hops = new PeerHops({
    self: SELF,
    log: createLog('test', 'error', (line) => world.log.push(line)),
    linked: () => world.linked,
    carrierOf: () => world.carrier,
    closeCarrier: (_, error) => world.carrier?.close(error)
  })
  world.hops.onMessage((_, message) => world.received.push(message))
  world.hops.onGone((peer) => world.gone.push(peer))
  return world
}

const messages = (carrier: FakeCarrier | null) =>
  (carrier?.shipped ?? []).map((frame) => decodeSessionMessage(frame))

test('hops - without a link there is no hop', async (t) => {
  const world = setUp(null)
  world.linked = false
  await t.exception(() => world.hops.to(PEER), /no link/)
})

test('hops - what is sent before there is a carrier goes first, in order', (t) => {
  const world = setUp(null)
  const hop = world.hops.to(PEER)
  hop.send(close(1))
  const frame = hop.allocate(header(1, 2))
  frame.payload.set([1, 2, 3, 4, 5, 6, 7, 8])
  frame.send()
  hop.send(close(3))
  t.ok(hop.backlogBytes > 0)
  world.carrier = new FakeCarrier()
  world.hops.attach(PEER, world.carrier)
  hop.send(close(4))
  const sent = messages(world.carrier)
  t.alike(
    sent.map(({ type }) => type),
    ['close', 'activation', 'close', 'close']
  )
  const [, activation] = sent
  t.alike(activation?.type === 'activation' && [...activation.payload], [1, 2, 3, 4, 5, 6, 7, 8])
  t.is(hop.backlogBytes, 0)
})

test('hops - a frame begun before the carrier was chosen is not lost', (t) => {
  const world = setUp(null)
  const frame = world.hops.to(PEER).allocate(header(1, 1))
  world.carrier = new FakeCarrier()
  world.hops.attach(PEER, world.carrier)
  frame.payload[3] = 9
  frame.send()
  t.is(messages(world.carrier).length, 1)
})

test('hops - a frame begun for a carrier that was replaced goes on the new one, in order', (t) => {
  const [before, after] = [new FakeCarrier(), new FakeCarrier()]
  const world = setUp(before)
  const hop = world.hops.to(PEER)
  const frame = hop.allocate(header(1, 1))
  frame.payload[3] = 9
  hop.send(close(1))
  world.carrier = after
  world.hops.attach(PEER, after)
  hop.send(close(2))
  frame.send()
  t.alike(
    messages(before).map(({ type }) => type),
    ['close']
  )
  const [, activation] = messages(after)
  t.is(activation?.type === 'activation' && activation.payload[3], 9)
  t.alike(world.gone, [])
})

test('hops - a peer is reported gone once, and the old hop sends nothing any more', (t) => {
  const world = setUp(new FakeCarrier())
  const hop = world.hops.to(PEER)
  const frame = hop.allocate(header(1, 1))
  world.hops.gone(PEER)
  world.hops.gone(PEER)
  t.alike(world.gone, [PEER])
  hop.send(close(1))
  frame.send()
  t.is(world.carrier?.shipped.length, 0)
  world.hops.to(PEER).send(close(2))
  t.is(world.carrier?.shipped.length, 1, 'a new hop works')
})

test('hops - a peer without a hop is not reported, one that sent us a message is', (t) => {
  const world = setUp(new FakeCarrier())
  world.hops.gone(PEER)
  t.is(world.gone.length, 0)
  world.hops.receive(PEER, encodeSessionMessage(close(1)))
  world.hops.gone(PEER)
  t.is(world.gone.length, 1)
})

test('hops - a peer that takes nothing is closed as too slow before the bound is passed', (t) => {
  const world = setUp(new FakeCarrier())
  const carrier = world.carrier as FakeCarrier
  const hop = world.hops.to(PEER)
  const frame = hop.allocate(header(1, 256))
  carrier.backlogBytes = HOP_BACKLOG_BYTES_MAX - 1056
  frame.send()
  t.is(carrier.closed, null)
  t.is(carrier.shipped.length, 1)
  carrier.backlogBytes++
  hop.allocate(header(1, 256)).send()
  t.is(carrier.closed?.code, 'PEER_BUSY')
  t.is(carrier.shipped.length, 1)
})

test('hops - what waits for a carrier is bounded as well', (t) => {
  const world = setUp(null)
  let refusal: SwarmError | null = null
  world.hops = new PeerHops({
    self: SELF,
    log: createLog('test', 'error', () => {}),
    linked: () => true,
    carrierOf: () => null,
    closeCarrier: (_, error) => (refusal ??= error)
  })
  const hop = world.hops.to(PEER)
  for (let i = 0; i < 9; i++) hop.allocate(header(512, 4096)).send()
  t.is((refusal as SwarmError | null)?.code, 'PEER_BUSY')
  t.ok(hop.backlogBytes <= HOP_BACKLOG_BYTES_MAX)
})

test('hops - a frame that is no message is passed to the connection as an error', async (t) => {
  const world = setUp(new FakeCarrier())
  await t.exception(() => world.hops.receive(PEER, new Uint8Array([200])), /not known/)
  t.is(world.received.length, 0)
})

test('hops - to ourselves: in order, never inside send, with a payload of our own', async (t) => {
  const world = setUp(null)
  const hop = world.hops.to(SELF)
  t.is(hop.peer, SELF)
  hop.send(close(1))
  const frame = hop.allocate(header(2, 3))
  t.is(frame.payload.byteLength, 24)
  frame.payload.fill(7)
  frame.send()
  hop.send(close(2))
  t.is(world.received.length, 0)
  await new Promise((resolve) => setImmediate(resolve))
  t.alike(
    world.received.map(({ type }) => type),
    ['close', 'activation', 'close']
  )
  const [, activation] = world.received
  t.alike(activation, { type: 'activation', ...header(2, 3), payload: frame.payload })
})

test('hops - to ourselves: what a handler sends comes in the next round', async (t) => {
  const world = setUp(null)
  const hop = world.hops.to(SELF)
  const order: string[] = []
  world.hops.onMessage((_, message) => {
    order.push((message as CloseMessage).session.slice(-1))
    if (order.length === 1) hop.send(close(3))
  })
  hop.send(close(1))
  hop.send(close(2))
  setImmediate(() => order.push('between'))
  while (order.length < 4) await new Promise((resolve) => setImmediate(resolve))
  t.alike(order, ['1', '2', 'between', '3'])
})

test('hops - a receiver that throws ends no connection; it is logged as our fault', async (t) => {
  const world = setUp(new FakeCarrier())
  world.hops.onMessage(() => {
    throw new SwarmError('STAGE_FULL', 'a fault of ours')
  })
  world.hops.onGone(() => {
    throw new SwarmError('STAGE_FULL', 'another')
  })
  world.hops.receive(PEER, encodeSessionMessage(close(1)))
  world.hops.gone(PEER)
  world.hops.to(SELF).send(close(2))
  await new Promise((resolve) => setImmediate(resolve))
  t.is(world.log.length, 3)
})
