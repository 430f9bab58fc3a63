import test from 'brittle'

import { streamPair } from './stream-pair.ts'
import { TestPeer, identities } from './test-peer.ts'

import type { Identity } from '../../src/peer/identity.ts'

const STRANGERS = 60

test('network - strangers by the dozen are refused without a line for each', async (t) => {
  const [self, ...strangers] = identities(1 + STRANGERS) as [Identity, ...Identity[]]
  const peer = new TestPeer({ identity: self, topic: 'strangers' })
  t.teardown(() => peer.network.close())
  for (const stranger of strangers) {
    const [near, far] = await streamPair(t, stranger, self)
    peer.network.accept(far)
    near.write(new Uint8Array(32))
    await new Promise((resolve) => near.on('close', resolve))
  }
  const refused = peer.events.filter(({ type }) => type === 'refused')
  t.ok(refused.length >= 4 && refused.length <= STRANGERS / 2, `${refused.length} events`)
  t.ok(refused.every((event) => 'error' in event && event.error.code === 'WIRE_PROOF'))
  t.alike(peer.network.links(), [])
})
