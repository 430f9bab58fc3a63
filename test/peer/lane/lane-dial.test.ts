import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { CONNECTIONS_UNPROVEN_MAX } from '../../../src/base/limits.ts'
import { DIAL_TIMEOUT_MS, LaneDial, type DialTarget } from '../../../src/peer/lane/lane-dial.ts'
import { DirectServer } from '../../../src/peer/find/direct-server.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../../src/base/clock.ts'
import type { Identity } from '../../../src/peer/identity.ts'

const [DIALS, ACCEPTS, OTHER] = identities(3) as [Identity, Identity, Identity]

async function laneServer(t: Test, identity: Identity) {
  const streams: NoiseSecretStream[] = []
  const server = new DirectServer(identity.keyPair, systemClock, (stream) => streams.push(stream))
  t.teardown(() => {
    server.close()
    for (const stream of streams) stream.destroy()
  })
  return { port: await server.open({ host: '127.0.0.1' }), streams }
}

/** A server that does with a connection what the test wants. */
async function rawServer(t: Test, onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

function dial(
  t: Test,
  target: Partial<DialTarget>,
  clock: Clock = systemClock
): { dial: LaneDial; done: Promise<NoiseSecretStream | null> } {
  let started: LaneDial | null = null
  const done = new Promise<NoiseSecretStream | null>((resolve) => {
    const whole = { hosts: ['127.0.0.1'], port: 1, publicKey: ACCEPTS.keyPair.publicKey, ...target }
    started = new LaneDial(whole, DIALS.keyPair, clock, (stream) => {
      t.teardown(() => stream?.destroy())
      resolve(stream)
    })
  })
  return { dial: started as unknown as LaneDial, done }
}

test('lane dial - reaches the peer and both ends know the other key', async (t) => {
  const { port, streams } = await laneServer(t, ACCEPTS)
  const stream = await dial(t, { port }).done
  t.alike(stream?.remotePublicKey, ACCEPTS.keyPair.publicKey)
  t.alike(streams[0]?.remotePublicKey, DIALS.keyPair.publicKey)
  t.alike(streams[0]?.handshakeHash, stream?.handshakeHash)
})

test('lane dial - an address that refuses does not hold up the next', async (t) => {
  const { port } = await laneServer(t, ACCEPTS)
  const startMs = performance.now()
  const stream = await dial(t, { hosts: ['127.0.0.88', '127.0.0.1'], port }).done
  t.ok(stream !== null)
  const tookMs = performance.now() - startMs
  t.ok(tookMs < 1000, `${tookMs} ms`)
})

test('lane dial - a machine that accepts and says nothing costs its time and no more', async (t) => {
  let onAccepted = () => {}
  const accepted = new Promise<void>((resolve) => (onAccepted = resolve))
  const port = await rawServer(t, (socket) => {
    onAccepted()
    socket.on('error', () => {})
    socket.resume()
  })
  const clock = new FakeClock()
  const { done } = dial(t, { port }, clock)
  clock.advance(1)
  await accepted
  clock.advance(DIAL_TIMEOUT_MS + 200)
  t.is(await done, null)
})

test('lane dial - another peer at that address is not taken for ours', async (t) => {
  const { port, streams } = await laneServer(t, OTHER)
  t.is(await dial(t, { port }).done, null)
  t.is(streams.length, 0, 'nor does it learn who asked')
})

test('lane dial - without an address or a port there is nothing to try', async (t) => {
  for (const target of [{ hosts: [] }, { port: 0 }]) {
    const clock = new FakeClock()
    const { done } = dial(t, target, clock)
    clock.advance(0)
    t.is(await done, null)
  }
})

test('lane dial - cancelled, it reports nothing', async (t) => {
  const { port, streams } = await laneServer(t, ACCEPTS)
  const { dial: started, done } = dial(t, { port })
  started.cancel()
  void done.then(() => t.fail())
  const stream = await dial(t, { port }).done
  t.ok(stream !== null)
  t.is(streams.length, 1)
})

test('lane server - strangers that say nothing keep nobody out', async (t) => {
  const { port } = await laneServer(t, ACCEPTS)
  const silent = Array.from({ length: CONNECTIONS_UNPROVEN_MAX }, () => connect(port, '127.0.0.1'))
  t.teardown(() => silent.forEach((socket) => socket.destroy()))
  await Promise.all(silent.map((socket) => once(socket, 'connect')))
  t.ok((await dial(t, { port }).done) !== null)
  const closed = silent.filter(({ closed, readyState }) => closed || readyState !== 'open')
  if (closed.length === 0) await once(silent[0] as Socket, 'close')
  t.pass('the oldest made room')
})

test('lane server - bytes that are no handshake end that connection only', async (t) => {
  const { port, streams } = await laneServer(t, ACCEPTS)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(20_000)))
  await new Promise((resolve) => socket.on('close', resolve))
  t.is(streams.length, 0)
  t.ok((await dial(t, { port }).done) !== null)
})
