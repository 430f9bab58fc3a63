// Attacks on bounds of the network that no other test makes: by a member that has proven itself, over a
// real Noise connection, or by anybody at the beacon. bounds.test.ts says which test attacks which bound.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test, { type Test } from 'brittle'

import {
  ACTIVATION_BYTES_MAX,
  ADDRESS_BYTES_MAX,
  BEACONS_BURST,
  BEACONS_PER_SECOND,
  CHANNELS_MAX,
  CHANNEL_OPENS_BURST,
  CHANNEL_OPENS_PER_SECOND,
  CONTROL_MESSAGES_BURST,
  CONTROL_MESSAGES_PER_SECOND,
  MODEL_NAME_BYTES_MAX,
  PEERS_MAX,
  PEER_NAME_BYTES_MAX,
  SAMPLING_VALUE_MAX,
  VERSION_TEXT_BYTES_MAX
} from '../../../src/base/limits.ts'
import { SwarmError } from '../../../src/base/errors.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { Beacon } from '../../../src/peer/find/beacon.ts'
import { encodeBeacon } from '../../../src/wire/beacon.ts'
import { encodeControl } from '../../../src/wire/control.ts'
import { encodeHello, type Hello } from '../../../src/wire/hello.ts'
import { proofOf } from '../../../src/wire/proof.ts'
import { encodeSessionMessage } from '../../../src/wire/session-codec.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { ownPort } from '../../helpers/own-port.ts'
import { randomMessage } from '../../helpers/session-messages.ts'
import { HELLO, KEY, Side, openChannel } from '../link/link-sides.ts'
import { memoryPair } from '../memory-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'
import type { PeerId } from '../../../src/wire/ids.ts'
import type { OpenMessage } from '../../../src/wire/session.ts'

const [SELF, MEMBER] = identities(2) as [Identity, Identity]
const control = (body: Uint8Array) => Buffer.concat([Buffer.from([1, 1]), body])

/** A member made by hand whose connection has both channels open; its hello is still to come. */
async function proven(t: Test, side = new Side(SELF), member = MEMBER) {
  const [far, near] = await memoryPair(member, SELF)
  t.teardown(() => far.destroy())
  far.on('data', () => {})
  side.links.accept(near)
  far.write(proofOf(KEY, far.handshakeHash, 'link', true))
  openChannel(far, 1, 'swarm/control')
  openChannel(far, 2, 'swarm/frames')
  return { side, far, near }
}

function greet(far: NoiseSecretStream, bytes = encodeHello(HELLO)): void {
  far.write(Buffer.concat([Buffer.from([1, 0]), bytes]))
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Everything written at this end has been read at the other: the pipe has been empty for a while. */
async function read(far: NoiseSecretStream): Promise<void> {
  for (let empty = 0; empty < 8; empty = far.rawStream.writableLength === 0 ? empty + 1 : 0) {
    await turn()
  }
}

test('attacks - control messages at the rate are taken for ever, one above it ends the link', async (t) => {
  const { side, far } = await proven(t)
  greet(far)
  await side.until(() => side.up.length === 1)
  const send = async (count: number) => {
    for (let id = 0; id < count; id++) far.write(control(encodeControl({ type: 'no-lane' })))
    await read(far)
  }
  let sent = CONTROL_MESSAGES_BURST
  await send(sent)
  for (let second = 0; second < 5; second++) {
    side.clock.advance(1000)
    await send(CONTROL_MESSAGES_PER_SECOND)
    sent += CONTROL_MESSAGES_PER_SECOND
  }
  t.is(side.control.length, sent)
  t.is(side.down.length, 0)
  await send(1)
  t.is(side.down[0]?.error.code, 'WIRE_BAD_FRAME')
})

test('attacks - channels opened slowly end the link at their bound', async (t) => {
  const { side, far } = await proven(t)
  greet(far)
  await side.until(() => side.up.length === 1)
  let opened = 2
  for (; opened < CHANNELS_MAX; opened++) {
    if ((opened - 2) % CHANNEL_OPENS_PER_SECOND === 0) {
      await read(far)
      side.clock.advance(1000)
    }
    openChannel(far, opened + 1, `nobody knows ${opened}`)
  }
  await read(far)
  t.is(side.down.length, 0, side.down[0]?.error.message)
  side.clock.advance(1000)
  openChannel(far, opened + 1, 'one too many')
  await read(far)
  t.is(side.down[0]?.error.code, 'WIRE_TOO_LARGE')
  t.ok(CHANNELS_MAX > CHANNEL_OPENS_BURST)
})

test('attacks - a frame above the bound ends the link, one at the bound passes', async (t) => {
  const { side, far } = await proven(t)
  greet(far)
  await side.until(() => side.up.length === 1)
  const frame = (sizeBytes: number) => Buffer.concat([Buffer.from([2, 0]), Buffer.alloc(sizeBytes)])
  far.write(frame(ACTIVATION_BYTES_MAX))
  await side.until(() => side.frames.length === 1)
  far.write(frame(ACTIVATION_BYTES_MAX + 1))
  await side.until(() => side.down.length === 1)
  t.is(side.down[0]?.error.code, 'WIRE_TOO_LARGE')
  t.is(side.frames.length, 1)
})

test('attacks - one peer more than the bound is refused, and those linked stay', async (t) => {
  const side = new Side(SELF)
  const members = identities(PEERS_MAX + 1, 77)
  for (const member of members) {
    const { far } = await proven(t, side, member)
    greet(far)
    await side.until(() => side.up.length + side.refused.length === members.indexOf(member) + 1)
  }
  t.is(side.links.up().length, PEERS_MAX)
  t.is(side.refused[0]?.code, 'PEER_BUSY')
  t.is(side.down.length, 0)
})

test('attacks - a hello or a control message with any byte changed ends the link at most', async (t) => {
  const full: Hello = {
    ...HELLO,
    lane: { port: 9, addresses: ['10.0.0.1'] },
    model: { id: '5a'.repeat(32), name: 'm', givesWay: false },
    record: { bytes: new Uint8Array([1, 2, 3]), signature: new Uint8Array(64) }
  }
  const random = seededRandom(3)
  const messages: [boolean, Uint8Array][] = [
    [true, encodeHello(full)],
    [false, encodeControl({ type: 'digest', entries: [{ key: SELF.id, seq: 1 }] })],
    [
      false,
      encodeControl({
        type: 'members',
        claims: [{ key: SELF.id, incarnation: 3, state: 'suspect' }]
      })
    ],
    [false, encodeControl({ type: 'probe', id: 4, key: SELF.id })],
    [false, encodeControl({ type: 'gossip', records: [full.record!] })]
  ]
  const ends = new Set<string>()
  for (const [isHello, good] of messages) {
    for (let at = 0; at < good.byteLength; at++) {
      const bytes = new Uint8Array(good)
      bytes[at] = (bytes[at] as number) ^ (1 + (random.uint32() % 255))
      const { side, far } = await proven(t)
      greet(far, isHello ? bytes : encodeHello(HELLO))
      if (!isHello) far.write(control(bytes))
      await side.until(() => side.down.length + (isHello ? side.up : side.control).length > 0)
      ends.add(side.down[0]?.error.code ?? 'taken')
      far.destroy()
    }
  }
  t.alike(
    [...ends].toSorted(),
    ['WIRE_BAD_FRAME', 'WIRE_TOO_LARGE', 'WIRE_UNKNOWN_TYPE', 'WIRE_VERSION', 'taken'].toSorted()
  )
})

test('attacks - a text or number one beyond its bound is refused by its codec', (t) => {
  const record = { bytes: new Uint8Array(0), signature: new Uint8Array(64) }
  const hello = (change: Partial<Hello>) => () => encodeHello({ ...HELLO, record, ...change })
  const open = randomMessage(seededRandom(1), 'open') as OpenMessage
  const sampled = (change: object) => () =>
    encodeSessionMessage({ ...open, sampling: { ...open.sampling, bias: [], ...change } })
  const long = `fe80::1%${'e'.repeat(ADDRESS_BYTES_MAX)}`
  const beyond: [string, (size: number) => () => unknown, number][] = [
    ['a peer name', (n) => hello({ name: 'n'.repeat(n) }), PEER_NAME_BYTES_MAX],
    ['a version', (n) => hello({ programVersion: 'v'.repeat(n) }), VERSION_TEXT_BYTES_MAX],
    [
      'a model name',
      (n) => hello({ model: { id: '5a'.repeat(32), name: 'm'.repeat(n), givesWay: false } }),
      MODEL_NAME_BYTES_MAX
    ],
    [
      'an address',
      (n) => hello({ lane: { port: 1, addresses: [long.slice(0, n)] } }),
      ADDRESS_BYTES_MAX
    ],
    ['a temperature', (n) => sampled({ temperature: n }), SAMPLING_VALUE_MAX],
    ['a penalty', (n) => sampled({ presencePenalty: -n }), SAMPLING_VALUE_MAX]
  ]
  for (const [name, make, most] of beyond) {
    t.execution(make(most), `${name} of ${most}`)
    try {
      make(most + 1)()
      t.fail(name)
    } catch (error) {
      t.is(error instanceof SwarmError && error.family, 'WIRE', `${name} of ${most + 1}`)
    }
  }
})

test('attacks - a flood of beacons that members could send is taken at its rate', async (t) => {
  const clock = new FakeClock()
  const beaconKey = new Uint8Array(32).fill(6)
  const port = ownPort()
  const message = (key: PeerId) => ({ key, instance: '00'.repeat(8), dhtPort: 1, lanePort: 1 })
  const hints: PeerId[] = []
  const beacon = new Beacon({
    beaconKey,
    own: message(SELF.id),
    clock,
    port,
    onHint: ({ key }) => hints.push(key),
    onDuplicate: () => t.fail('our own key was not sent')
  })
  t.teardown(() => beacon.close())
  beacon.open()
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  let answers = 0
  socket.on('message', () => answers++)
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const random = seededRandom(8)
  const flood = async (count: number) => {
    for (let index = 0; index < count; index++) {
      const bytes = encodeBeacon(message(random.bytes(32).reduce(hexOf, '') as PeerId), beaconKey)
      await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve))
      // Slowly enough that the socket's buffer holds what is to be counted.
      if (index % 16 === 0) await turn()
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await flood(2 * BEACONS_BURST)
  t.ok(hints.length > BEACONS_BURST / 2 && hints.length <= BEACONS_BURST, `${hints.length} taken`)
  t.ok(answers > 0 && answers <= 32, `${answers} answers`)
  const before = hints.length
  clock.advance(0)
  await flood(100)
  t.ok(hints.length - before <= BEACONS_BURST - before, 'none beyond')
  t.ok(BEACONS_PER_SECOND <= BEACONS_BURST)
})

function hexOf(text: string, byte: number): string {
  return text + byte.toString(16).padStart(2, '0')
}
