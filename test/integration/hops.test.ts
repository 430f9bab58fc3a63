// The promises of hops on real sockets: three networks that meet through a private bootstrap on loopback.

import { randomBytes } from 'node:crypto'

import { sleep, systemClock } from '../../src/base/clock.ts'
import { openBootstrap } from '../../src/peer/find/bootstrap.ts'
import { CROSSING_MS } from '../../src/peer/link/crossing.ts'
import { hopsSuite } from '../helpers/hops-suite.ts'
import { identities, TestPeer } from '../peer/test-peer.ts'

import type { Identity } from '../../src/peer/identity.ts'

hopsSuite('hops over sockets', async (t) => {
  const bootstrap = await openBootstrap({ port: 0, host: '127.0.0.1' })
  t.teardown(() => bootstrap.close(), { order: Infinity })
  const topic = `hops ${randomBytes(6).toString('hex')}`
  const peers = await Promise.all(
    identities(3).map((identity: Identity) =>
      TestPeer.open(t, { identity, topic, bootstrap: [bootstrap.address] })
    )
  )
  for (const peer of peers) {
    for (const other of peers) if (other !== peer) await peer.lane(other.id)
  }
  const [a, b, c] = peers.map(({ network }) => network.hops)
  return {
    hops: [a!, b!, c!],
    async until(condition) {
      while (!condition()) await new Promise(setImmediate)
    },
    // By then no connection of both sides at once is still on its way.
    settled: () => sleep(systemClock, CROSSING_MS),
    lose: (index) => void peers[index]?.network.close()
  }
})
