import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { DirectServer } from '../../../src/peer/find/direct-server.ts'
import { GivenPeers } from '../../../src/peer/find/given-peers.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

const [DIALS, ACCEPTS] = identities(2) as [Identity, Identity]

class Setup {
  readonly clock = new FakeClock()
  readonly arrived: NoiseSecretStream[] = []
  readonly connected = new Set<PeerId>()
  readonly server: DirectServer
  port = 0

  constructor(t: Test, answers: Identity) {
    this.server = new DirectServer(answers.keyPair, systemClock, (stream) => {
      t.teardown(() => stream.destroy())
    })
    t.teardown(() => this.server.close())
  }

  async open(t: Test): Promise<GivenPeers> {
    this.port = await this.server.open({ host: '127.0.0.1' })
    const given = new GivenPeers([{ host: '127.0.0.1', port: this.port }], DIALS, this.clock, {
      onConnection: (stream) => {
        t.teardown(() => stream.destroy())
        this.arrived.push(stream)
      },
      connected: (peer) => this.connected.has(peer)
    })
    t.teardown(() => given.close())
    given.open()
    return given
  }

  /** Lets `ms` pass and what follows from it happen. */
  async pass(ms: number): Promise<void> {
    for (let step = 0; step < ms; step += 50) {
      this.clock.advance(50)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async until(count: number): Promise<void> {
    for (let turn = 0; this.arrived.length < count && turn < 10_000; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

test('given peers - an address is dialled at once and its key learnt', async (t) => {
  const setup = new Setup(t, ACCEPTS)
  await setup.open(t)
  setup.clock.advance(0)
  await setup.until(1)
  t.alike(setup.arrived[0]?.remotePublicKey, ACCEPTS.keyPair.publicKey)
})

test('given peers - while its peer is connected an address is left alone, then dialled anew', async (t) => {
  const setup = new Setup(t, ACCEPTS)
  await setup.open(t)
  setup.clock.advance(0)
  await setup.until(1)
  setup.connected.add(ACCEPTS.id)
  await setup.pass(5000)
  t.is(setup.arrived.length, 1)
  setup.connected.delete(ACCEPTS.id)
  await setup.pass(1100)
  await setup.until(2)
  t.is(setup.arrived.length, 2)
})

test('given peers - our own address in the list is tried once and then left alone', async (t) => {
  const setup = new Setup(t, DIALS)
  await setup.open(t)
  setup.clock.advance(0)
  await setup.until(1)
  await setup.pass(40_000)
  t.is(setup.arrived.length, 1)
})

test('given peers - where nobody is it is tried again, until somebody comes', async (t) => {
  const setup = new Setup(t, ACCEPTS)
  const given = await setup.open(t)
  setup.server.close()
  await setup.pass(10_000)
  t.is(setup.arrived.length, 0)
  const late = new DirectServer(ACCEPTS.keyPair, systemClock, (stream) => {
    t.teardown(() => stream.destroy())
  })
  t.teardown(() => late.close())
  await late.open({ host: '127.0.0.1', port: setup.port })
  await setup.pass(20_000)
  await setup.until(1)
  t.ok(setup.arrived.length > 0)
  given.close()
})
