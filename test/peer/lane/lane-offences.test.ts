import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import test, { type Test } from 'brittle'

import { every, systemClock } from '../../../src/base/clock.ts'
import { SwarmError } from '../../../src/base/errors.ts'
import { CONNECTIONS_UNPROVEN_MAX, LANE_SPARES_MAX } from '../../../src/base/limits.ts'
import { Lane } from '../../../src/peer/lane/lane.ts'
import { LaneOpening } from '../../../src/peer/lane/lane-opening.ts'
import { DirectServer } from '../../../src/peer/find/direct-server.ts'
import { PROOF_TIMEOUT_MS } from '../../../src/peer/link/unproven.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { identities } from '../test-peer.ts'
import { KEY, lanesUp, sides, ticking, type Side } from './lane-sides.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { LaneSignal } from '../../../src/peer/lane/lane-message.ts'
import type { Identity } from '../../../src/peer/identity.ts'

/** A lane that a member opens by hand, proven, to do with it what it must not. */
async function rawLane(
  t: Test,
  from: Side,
  to: Side,
  onClosed: () => void = () => {}
): Promise<Lane> {
  const target = {
    hosts: ['127.0.0.1'],
    port: to.port,
    publicKey: to.identity.keyPair.publicKey
  }
  const { keyPair } = from.identity
  const stream = await new Promise<NoiseSecretStream | null>((resolve) => {
    const options = { keyPair, proofKey: KEY, clock: systemClock }
    const opening = new LaneOpening(target, options, resolve)
    t.teardown(() => opening.cancel())
  })
  const ignore = () => {}
  const lane = new Lane(stream as NoiseSecretStream, systemClock, {
    onFrame: ignore,
    onSignal: ignore,
    onPiece: ignore,
    onHeard: ignore,
    onClosed
  })
  t.teardown(() => lane.close(new SwarmError('PEER_GONE', 'the test is over')))
  return lane
}

/** What a member, whose key is the upper or the lower one, says on a fresh lane of its own. */
const OFFENCES: [string, 'lower' | 'upper', (lane: Lane) => void][] = [
  ['a session frame before it was given any', 'upper', (lane) => lane.ship(new Uint8Array(3))],
  ['a piece of weights before it was named', 'lower', (l) => l.shipPiece(new Uint8Array(9), 0, 9)],
  ['its use, though the other key decides', 'upper', say('use')],
  ['that it takes over, though the other key decides', 'upper', say('after-lane')],
  ['the end of what never began', 'lower', say('end')],
  ['a wish for weights on a lane that is not in use', 'upper', say('want-weights')],
  ['twice what it is for', 'upper', (lane) => ['a', 'b'].forEach(() => lane.signal('weights'))]
]

function say(signal: LaneSignal): (lane: Lane) => void {
  return (lane) => lane.signal(signal)
}

for (const [name, who, offend] of OFFENCES) {
  test(`lane offences - ${name}: it and the link are closed`, async (t) => {
    const [lower, upper] = await sides(t)
    await lanesUp(lower, upper)
    const [from, to] = who === 'lower' ? [lower, upper] : [upper, lower]
    offend(await rawLane(t, from, to))
    await to.until('link WIRE_BAD_FRAME')
    t.absent(to.log.some((line) => line.startsWith('frame')))
  })
}

test('lane offences - a lane that takes over from a way not in use is closed', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  await new Promise<void>((resolve) => {
    void rawLane(t, lower, upper, resolve).then((lane) => lane.signal('after-link'))
  })
  lower.carrier?.ship(Buffer.from('on'))
  await upper.until('frame on')
  t.alike(upper.log, ['tcp', 'frame on'])
})

test('lane offences - frames after the end of a lane are refused', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const lane = lower.carrier as Lane
  lane.signal('end')
  lane.ship(Buffer.from('late'))
  await upper.until('link WIRE_BAD_FRAME')
  t.absent(upper.log.includes('frame late'))
})

test('lane offences - lanes opened for nothing are few, and closed after a while', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  for (let i = 0; i < LANE_SPARES_MAX + 4; i++) await rawLane(t, upper, lower)
  while (lower.slot.nSpares < LANE_SPARES_MAX) await new Promise(setImmediate)
  t.is(lower.slot.nSpares, LANE_SPARES_MAX)
  ticking(t, lower, upper)
  while (lower.slot.nSpares > 0) await new Promise(setImmediate)
  t.alike(lower.log, ['tcp'], 'nothing happened to the lane in use')
})

test('lane offences - who takes over and never ends the old lane is given up', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  const spare = await rawLane(t, lower, upper)
  spare.signal('after-lane')
  while (upper.slot.nSpares > 0 || upper.log.length > 1) await new Promise(setImmediate)
  // The lane in use stays alive; only time that passes at the slot's own ticks ends it.
  for (let ms = 0; ms < 200_000 && !upper.log.includes('lost PEER_TIMEOUT'); ms += 1000) {
    upper.lanes.tick(1000, false)
    lower.carrier?.ship(Buffer.from('alive'))
    const { length } = upper.log
    await upper.until(() => upper.log.length > length)
  }
  t.ok(upper.log.includes('lost PEER_TIMEOUT'))
})

/** However it ends: a reset is an error first. */
function closing(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.on('close', resolve))
}

test('lane server - a length that a stranger claims reserves no memory', async (t) => {
  const [identity] = identities(1) as [Identity]
  const server = new DirectServer(identity.keyPair, systemClock, () => t.fail())
  t.teardown(() => server.close())
  const port = await server.open({ host: '127.0.0.1' })
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < CONNECTIONS_UNPROVEN_MAX; i++) {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    // In one write and byte by byte: 16 MiB to come, and the first byte of it.
    for (const part of i % 2 === 0 ? [[255, 255, 255, 0]] : [[255], [255], [255], [0]]) {
      socket.write(new Uint8Array(part))
    }
    await closing(socket)
  }
  const grownBytes = process.memoryUsage().arrayBuffers - before
  t.ok(grownBytes < 8 * 2 ** 20, `${grownBytes} bytes`)
})

test('lane server - a handshake that never ends costs its time and no more', async (t) => {
  const [identity] = identities(1) as [Identity]
  const clock = new FakeClock()
  const server = new DirectServer(identity.keyPair, clock, () => t.fail())
  t.teardown(() => server.close())
  const port = await server.open({ host: '127.0.0.1' })
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  const end = { isClosed: false }
  const closed = closing(socket).then(() => (end.isClosed = true))
  // The length of a handshake message, and then a byte of it now and again.
  socket.write(new Uint8Array([250, 0, 0]))
  const drip = every(systemClock, 1, () => socket.write(new Uint8Array(1)))
  t.teardown(() => drip.cancel())
  await once(socket, 'connect')
  for (let ms = 0; !end.isClosed && ms < 100 * PROOF_TIMEOUT_MS; ms += 25) {
    clock.advance(25)
    await new Promise(setImmediate)
  }
  await closed
  t.pass()
})

test('lane offences - a half-open lane is noticed by its silence', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  ticking(t, upper)
  // What the upper side sends is taken by the other kernel, and nothing ever comes back.
  ;(lower.carrier as Lane).hold()
  await upper.until('lost PEER_GONE')
  t.pass()
})
