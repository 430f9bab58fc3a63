// Two peers that every way finds at once: a private DHT, the beacon, and --peer from both sides.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import createTestnet from 'hyperdht/testnet.js'
import test, { type Test } from 'brittle'

import { Relay } from '../../helpers/net/relay.ts'
import { ownPort } from '../../helpers/own-port.ts'
import { TestPeer, identities } from '../test-peer.ts'

import type { NetworkEvent } from '../../../src/peer/network-options.ts'

const ROUNDS = 20
/** Whatever is still on its way after the link has come up arrives within this time. */
const WATCH_MS = 300
const BEACON_PORT = ownPort()

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '0.0.0.0')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function testnet(t: Test) {
  const { bootstrap } = await createTestnet(4, {
    host: '127.0.0.1',
    teardown: t.teardown.bind(t)
  })
  return bootstrap
}

function history(peer: TestPeer): NetworkEvent['type'][] {
  const types = peer.events.map(({ type }) => type)
  return types.filter((type) => type === 'link-up' || type === 'link-down')
}

test('every way - two that start at the same moment have one link, and it stays', async (t) => {
  const bootstrap = await testnet(t)
  for (let round = 0; round < ROUNDS; round++) {
    const ports = [await freePort(), await freePort()] as const
    const topic = `every way ${randomBytes(8).toString('hex')}`
    const pair = identities(2, round).map((identity, index) => {
      const peers = [{ host: '127.0.0.1', port: ports[1 - index] as number }]
      const port = ports[index] as number
      const ways = { beacon: true, beaconPort: BEACON_PORT, peers, port, host: '0.0.0.0' }
      return new TestPeer({ identity, topic, bootstrap, overrides: ways })
    }) as [TestPeer, TestPeer]
    const [a, b] = pair
    await Promise.all(pair.map(({ network }) => network.open()))
    await Promise.all([a.event('link-up', b.id), b.event('link-up', a.id)])
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS))
    for (const peer of pair) t.alike(history(peer), ['link-up'], `round ${round}`)
    t.alike(
      pair.map(({ network }) => network.links().length),
      [1, 1]
    )
    await Promise.all(pair.map(({ network }) => network.close()))
  }
})

test('every way - the address given by hand alone is enough, and finds a peer again', async (t) => {
  const [lower, greater] = identities(2)
  const topic = `by hand ${randomBytes(8).toString('hex')}`
  const quiet = { beacon: false, host: '127.0.0.1' }
  const port = await freePort()
  const peers = [{ host: '127.0.0.1', port }]
  const asks = await TestPeer.open(t, { identity: lower!, topic, overrides: { ...quiet, peers } })
  for (let life = 1; life <= 2; life++) {
    const options = { identity: greater!, topic, overrides: { ...quiet, port } }
    const answers = new TestPeer(options)
    await answers.network.open()
    t.is(answers.network.port, port)
    await answers.event('link-up', asks.id)
    await asks.until(() => history(asks).filter((type) => type === 'link-up').length >= life)
    await Promise.all([asks.lane(answers.id), answers.lane(asks.id)])
    await answers.network.close()
  }
})

test('every way - by hand over a slow and lossy path, and again when a partition heals', async (t) => {
  const [lower, greater] = identities(2)
  const topic = `far away ${randomBytes(8).toString('hex')}`
  const quiet = { beacon: false, host: '127.0.0.1' }
  const answers = await TestPeer.open(t, {
    identity: greater!,
    topic,
    overrides: { ...quiet, port: 0 }
  })
  // The same port at another address, so that the lane goes this way too.
  const { port } = answers.network
  const behind = { port, at: { host: '127.0.0.2', port } }
  const relay = await Relay.tcp({ ...behind, delayMs: 40, jitterMs: 40, loss: 0.05, seed: 3 })
  t.teardown(() => relay.close())
  const peers = [behind.at]
  const asks = await TestPeer.open(t, { identity: lower!, topic, overrides: { ...quiet, peers } })
  await Promise.all([asks.event('link-up', answers.id), answers.event('link-up', asks.id)])
  relay.partition('there', 'back')
  await Promise.all([asks.event('link-down'), answers.event('link-down')])
  relay.partition()
  for (const peer of [asks, answers]) {
    await peer.until(() => history(peer).filter((type) => type === 'link-up').length >= 2)
  }
  t.pass()
})

test('every way - eight that start at once are linked each to each, every pair once', async (t) => {
  const topic = `eight ${randomBytes(8).toString('hex')}`
  const peers = identities(8).map((identity) => {
    return new TestPeer({ identity, topic, overrides: { beaconPort: BEACON_PORT, port: 0 } })
  })
  for (const { network } of peers) t.teardown(() => network.close())
  await Promise.all(peers.map(({ network }) => network.open()))
  const all = Array.from({ length: 7 }, () => 'link-up')
  for (const peer of peers) await peer.until(() => history(peer).length >= all.length)
  await new Promise((resolve) => setTimeout(resolve, WATCH_MS))
  for (const peer of peers) t.alike(history(peer), all)
})
