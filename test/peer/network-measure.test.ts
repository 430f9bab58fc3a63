// What two real networks measure of each other; what is made of it is node/neighbour-table.ts's.

import { randomBytes } from 'node:crypto'
import createTestnet from 'hyperdht/testnet.js'
import test from 'brittle'

import { TestPeer, identities } from './test-peer.ts'

import type { PeerId } from '../../src/wire/ids.ts'

test('network - what the path to a peer carries is measured; to nobody there is none', async (t) => {
  const host = '127.0.0.1'
  const { bootstrap } = await createTestnet(4, { host, teardown: t.teardown.bind(t) })
  const topic = `test ${randomBytes(8).toString('hex')}`
  const [a, b] = (await Promise.all(
    identities(2).map((identity) => TestPeer.open(t, { identity, topic, bootstrap }))
  )) as [TestPeer, TestPeer]
  await Promise.all([a.event('link-up', b.id), b.event('link-up', a.id)])
  await Promise.all([a.lane(b.id), b.lane(a.id)])
  const both = [await a.network.measurePath(b.id), await b.network.measurePath(a.id)]
  t.ok(
    both.every((path) => path && path.mbps > 10 && path.rttMs < 100),
    JSON.stringify(both)
  )
  t.is(await a.network.measurePath('00'.repeat(32) as PeerId), null)
})
