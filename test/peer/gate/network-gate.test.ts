// A gate in front of a whole peer: what a key that is shut out can reach of it, by any way, and what
// others can pass on of that key.

import { randomBytes } from 'node:crypto'
import test from 'brittle'

import { Gate } from '../../../src/peer/gate/gate.ts'
import { identities, TestPeer } from '../test-peer.ts'

import type { Identity } from '../../../src/peer/identity.ts'

// Random keys and topics: several of these tests may run on one network at once.
const trio = () => identities(3, randomBytes(4).readUInt32LE()) as [Identity, Identity, Identity]
const newTopic = () => `gate ${randomBytes(6).toString('hex')}`

const ROUND = { timeout: 120_000 }

test(
  'network gate - a key that is shut out gets no link, and no part in plans by hearsay',
  ROUND,
  async (t) => {
    const [a, b, c] = trio()
    const topic = newTopic()
    const gate = new Gate(await t.tmp())
    gate.edit({ action: 'revoke', keys: [b.id] })
    const keeper = await TestPeer.open(t, { identity: a, topic, overrides: { gate } })
    const shutOut = await TestPeer.open(t, { identity: b, topic })
    const friend = await TestPeer.open(t, { identity: c, topic })
    await Promise.all([keeper.event('link-up', c.id), shutOut.event('link-up', c.id)])
    const refused = await keeper.event('refused', b.id)
    t.is(refused.error.code, 'PEER_REFUSED')
    await friend.until(() => friend.network.directory.peers().length === 3)
    await keeper.event('record', b.id)
    const seen = keeper.network.directory.peers().map(({ record }) => record.key)
    t.alike(seen, [a.id, c.id].toSorted())
    t.is(keeper.network.directory.get(b.id), null)
    t.absent(keeper.events.some((event) => event.type === 'link-up' && event.peer === b.id))
    t.absent(shutOut.events.some((event) => event.type === 'link-up' && event.peer === a.id))

    gate.edit({ action: 'restore', keys: [b.id] })
    keeper.network.recheck()
    t.is(keeper.network.directory.get(b.id)?.state, 'alive', 'its friend had told of it')
    await Promise.all([keeper.event('link-up', b.id), shutOut.event('link-up', a.id)])
    t.pass('and is let in when that is taken back')
  }
)

test(
  'network gate - revoking drops the link and its lane at once, and it stays so',
  ROUND,
  async (t) => {
    const [a, b] = trio()
    const topic = newTopic()
    const gate = new Gate(await t.tmp())
    const keeper = await TestPeer.open(t, { identity: a, topic, overrides: { gate } })
    const other = await TestPeer.open(t, { identity: b, topic })
    await Promise.all([keeper.lane(b.id), other.lane(a.id)])
    gate.edit({ action: 'revoke', keys: [b.id] })
    keeper.network.recheck()
    t.is(keeper.network.links().length, 0, 'before anything else happens')
    const down = await keeper.event('link-down', b.id)
    t.is(down.error.code, 'PEER_REFUSED')
    await other.event('link-down', a.id)
    // It dials again, as whoever lost a peer does, and is refused.
    await keeper.event('refused', b.id)
    t.is(keeper.network.links().length, 0)
  }
)

test('network gate - an allow-list lets in whom it names and nobody else', ROUND, async (t) => {
  const [a, b, c] = trio()
  const topic = newTopic()
  const gate = new Gate(await t.tmp())
  gate.edit({ action: 'allow', keys: [c.id] })
  const keeper = await TestPeer.open(t, { identity: a, topic, overrides: { gate } })
  await TestPeer.open(t, { identity: b, topic })
  await TestPeer.open(t, { identity: c, topic })
  await Promise.all([keeper.event('link-up', c.id), keeper.event('refused', b.id)])
  t.alike(
    keeper.network.links().map(({ peer }) => peer),
    [c.id]
  )
})
