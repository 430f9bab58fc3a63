import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { DirectDials, HEAD_START_MS } from '../../../src/peer/find/direct-dials.ts'
import { DirectServer } from '../../../src/peer/find/direct-server.ts'
import { DIAL_TIMEOUT_MS } from '../../../src/peer/lane/lane-dial.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { HintAddress } from '../../../src/peer/find/dial-policy.ts'
import type { Identity } from '../../../src/peer/identity.ts'

const [DIALS, ACCEPTS] = identities(2) as [Identity, Identity]

function at(host: string, lanePort: number): HintAddress {
  return { host, family: 'IPv4', dhtPort: 1, lanePort }
}

function setUp(t: Test) {
  const clock = new FakeClock()
  const streams: NoiseSecretStream[] = []
  const late: string[] = []
  const dials = new DirectDials(DIALS.keyPair, clock, {
    onStream: (stream) => {
      t.teardown(() => stream.destroy())
      streams.push(stream)
    },
    onLate: (peer) => late.push(peer)
  })
  t.teardown(() => dials.close())
  return { clock, streams, late, dials }
}

/** Lets sockets work until it is done; nothing here waits for the clock. */
async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

test('direct dials - a peer that answers is connected, and no other way is asked for', async (t) => {
  const server = new DirectServer(ACCEPTS.keyPair, systemClock, (stream) => {
    t.teardown(() => stream.destroy())
  })
  t.teardown(() => server.close())
  const port = await server.open({ host: '127.0.0.1' })
  const { clock, streams, late, dials } = setUp(t)
  t.ok(dials.dial(ACCEPTS.id, [at('127.0.0.1', port)]))
  clock.advance(0)
  await until(() => streams.length === 1)
  clock.advance(10 * HEAD_START_MS)
  t.alike(late, [])
})

test('direct dials - a port that is shut is reported at once and once', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const { clock, streams, late, dials } = setUp(t)
  dials.dial(ACCEPTS.id, [at('127.0.0.1', port)])
  clock.advance(0)
  await until(() => late.length > 0)
  clock.advance(2 * DIAL_TIMEOUT_MS)
  t.alike([late, streams], [[ACCEPTS.id], []])
})

test('direct dials - one that says nothing is given its head start, then another way is tried', async (t) => {
  const server = createServer((socket) => {
    t.teardown(() => socket.destroy())
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { clock, late, dials } = setUp(t)
  dials.dial(ACCEPTS.id, [at('127.0.0.1', (server.address() as AddressInfo).port)])
  clock.advance(0)
  await once(server, 'connection')
  clock.advance(HEAD_START_MS - 1)
  t.is(late.length, 0)
  clock.advance(1)
  t.is(late.length, 1)
  for (let ms = 0; ms < 2 * DIAL_TIMEOUT_MS; ms += 125) clock.advance(125)
  t.is(late.length, 1, 'failing later is no news')
})

test('direct dials - without a port or an address there is nothing to dial', (t) => {
  const { dials } = setUp(t)
  t.absent(dials.dial(ACCEPTS.id, []))
  t.absent(dials.dial(ACCEPTS.id, [at('127.0.0.1', 0)]))
})

test('direct dials - cancelled, nothing comes of it', (t) => {
  const { clock, late, dials } = setUp(t)
  dials.dial(ACCEPTS.id, [at('127.0.0.1', 9)])
  dials.cancel(ACCEPTS.id)
  clock.advance(10 * HEAD_START_MS)
  t.alike(late, [])
})
