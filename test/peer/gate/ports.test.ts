// What strangers get at the ports of a running peer: its lane server over TCP and its beacon over UDP.
// They know its key and addresses, which anybody on the network can read, and not the topic.

import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import test, { type Test } from 'brittle'

import { CONNECTIONS_UNPROVEN_MAX, UNPROVEN_BYTES_MAX } from '../../../src/base/limits.ts'
import { openTopic } from '../../../src/peer/topic.ts'
import { BEACON_BYTES, encodeBeacon } from '../../../src/wire/beacon.ts'
import { PROOF_BYTES, proofOf } from '../../../src/wire/proof.ts'
import { identities, TestPeer } from '../test-peer.ts'
import { ownPort } from '../../helpers/own-port.ts'

import type { Identity } from '../../../src/peer/identity.ts'

const ROUND = { timeout: 120_000 }
const openKeys = (name: string) =>
  openTopic({ name, secret: null, bootstrap: false, public: false, lanOnly: true })

/** Two members with a lane between them; the first is attacked at `port`. */
async function members(t: Test) {
  const [a, b, stranger] = identities(3, randomBytes(4).readUInt32LE()) as [
    Identity,
    Identity,
    Identity
  ]
  const topic = `ports ${randomBytes(6).toString('hex')}`
  const beaconPort = ownPort(randomBytes(2).readUInt16LE())
  const overrides = { beaconPort }
  const target = await TestPeer.open(t, { identity: a, topic, overrides })
  const friend = await TestPeer.open(t, { identity: b, topic, overrides })
  await Promise.all([target.lane(b.id), friend.lane(a.id)])
  const { hello } = await friend.event('link-up', a.id)
  return { a, b, stranger, topic, target, friend, port: hello.lane.port, beaconPort }
}

interface Visit {
  /** Sizes of the messages that came, decrypted. */
  messages: number[]
  /** Bytes that came in all, encrypted. */
  rawBytes: number
}

/** Dials the lane server as `self`, speaks after the handshake, and waits to be thrown out. */
async function visit(
  port: number,
  self: Identity,
  host: Identity,
  speak: (stream: NoiseSecretStream) => void
): Promise<Visit> {
  const socket = connect({ host: '127.0.0.1', port })
  const found: Visit = { messages: [], rawBytes: 0 }
  socket.on('data', (chunk) => (found.rawBytes += chunk.byteLength))
  const stream = new NoiseSecretStream(true, socket, {
    pattern: 'IK',
    keyPair: self.keyPair,
    remotePublicKey: host.keyPair.publicKey
  })
  stream.on('error', () => {})
  stream.on('data', (message: Uint8Array) => found.messages.push(message.byteLength))
  stream.on('connect', () => speak(stream))
  await new Promise((resolve) => stream.on('close', resolve))
  return found
}

/** A Noise handshake's answer, the header of the encrypted stream, and one encrypted proof. */
const HANDSHAKE_BYTES_MAX = 200

test('ports - a stranger gets one proof at most, whatever it says', ROUND, async (t) => {
  const { a, b, stranger, topic, target, port } = await members(t)
  const { proofKey } = openKeys(topic)
  const other = openKeys('another').proofKey
  const visits: [string, Identity, (stream: NoiseSecretStream) => void][] = [
    ['nothing', stranger, () => {}],
    [
      'the proof of another topic',
      stranger,
      (s) => s.write(proofOf(other, s.handshakeHash, 'lane', true))
    ],
    [
      'a good proof without a link',
      stranger,
      (s) => s.write(proofOf(proofKey, s.handshakeHash, 'lane', true))
    ],
    ['noise, with the key of a member', b, (s) => s.write(randomBytes(PROOF_BYTES))],
    [
      'the proof of a link of another topic',
      stranger,
      (s) => s.write(proofOf(other, s.handshakeHash, 'link', true))
    ],
    ['a flood', b, (s) => s.write(randomBytes(2 * UNPROVEN_BYTES_MAX))]
  ]
  for (const [name, self, speak] of visits) {
    const { messages, rawBytes } = await visit(port, self, a, speak)
    t.ok(messages.length <= 1 && messages.every((size) => size === PROOF_BYTES), name)
    t.ok(rawBytes > 0 && rawBytes < HANDSHAKE_BYTES_MAX, `${name}: ${rawBytes} bytes`)
  }
  t.is(target.network.links()[0]?.lane, 'tcp', 'the lane in use is not disturbed')
  t.absent(target.events.some(({ type }) => type === 'link-down'))
})

/** A TCP connection that says this and no more; how long it was let stand and what came. */
async function stand(port: number, bytes: Uint8Array): Promise<{ ms: number; rawBytes: number }> {
  const socket = connect({ host: '127.0.0.1', port })
  const startMs = performance.now()
  let rawBytes = 0
  socket.on('data', (chunk) => (rawBytes += chunk.byteLength))
  socket.on('error', () => {})
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return { ms: performance.now() - startMs, rawBytes }
}

test('ports - a handshake that never ends is given up, and got no byte', ROUND, async (t) => {
  const { port } = await members(t)
  const [silent, half, wrong, huge] = await Promise.all([
    stand(port, new Uint8Array(0)),
    stand(port, new Uint8Array([96, 0, 0, 1, 2, 3])),
    stand(port, Buffer.concat([Buffer.from([96, 0, 0]), randomBytes(96)])),
    stand(port, Buffer.concat([Buffer.from([255, 255, 255]), randomBytes(2 * UNPROVEN_BYTES_MAX)]))
  ])
  for (const { rawBytes } of [silent, half, wrong, huge]) t.is(rawBytes, 0)
  for (const { ms } of [silent, half]) t.ok(ms > 2500 && ms < 8000, `${ms.toFixed(0)} ms`)
  for (const { ms } of [wrong, huge]) t.ok(ms < 2500, `${ms.toFixed(0)} ms`)
})

test('ports - handshakes that never end keep no friend out', ROUND, async (t) => {
  const { a, topic, target, port, beaconPort } = await members(t)
  const sockets: Socket[] = []
  const hold = (): void => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    socket.on('close', () => hold())
    sockets.push(socket)
  }
  for (let index = 0; index < 2 * CONNECTIONS_UNPROVEN_MAX; index++) hold()
  t.teardown(() => {
    for (const socket of sockets) {
      socket.removeAllListeners('close')
      socket.destroy()
    }
  })
  const [late] = identities(1, randomBytes(4).readUInt32LE()) as [Identity]
  const friend = await TestPeer.open(t, { identity: late, topic, overrides: { beaconPort } })
  await Promise.all([friend.lane(a.id), target.lane(late.id)])
  t.pass()
})

/** Sends datagrams to the beacon and counts what comes back within a second and a half. */
async function call(t: Test, port: number, datagrams: Uint8Array[]): Promise<number[]> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const sizes: number[] = []
  socket.on('message', (bytes) => sizes.push(bytes.byteLength))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  for (const bytes of datagrams) {
    // One after the other, so that the socket's buffer loses none of them.
    await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, 1500))
  return sizes
}

test(
  'ports - the beacon answers no stranger, and a replayed call once with as many bytes',
  ROUND,
  async (t) => {
    const { stranger, topic, target, beaconPort } = await members(t)
    const message = { key: stranger.id, instance: '00'.repeat(8), dhtPort: 9, lanePort: 9 }
    const foreign = encodeBeacon(message, openKeys('another').beaconKey)
    const good = encodeBeacon(message, openKeys(topic).beaconKey)
    const malformed = Array.from({ length: 200 }, (_, index) => {
      const bytes = new Uint8Array(good)
      bytes[index % BEACON_BYTES] = (bytes[index % BEACON_BYTES] as number) ^ (1 + (index % 255))
      return bytes
    })
    const cuts = Array.from({ length: BEACON_BYTES }, (_, size) => good.subarray(0, size))
    t.alike(await call(t, beaconPort, [foreign, ...malformed, ...cuts, randomBytes(1400)]), [])
    const replayed = await call(
      t,
      beaconPort,
      Array.from({ length: 300 }, () => good)
    )
    t.ok(replayed.length <= 2, `${replayed.length} answers`)
    t.ok(replayed.every((sizeBytes) => sizeBytes === BEACON_BYTES))
    t.is(target.network.links().length, 1, 'and nobody new was linked')
  }
)
