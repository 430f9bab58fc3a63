import { randomBytes } from 'node:crypto'
import test from 'brittle'

import { every, systemClock } from '../../src/base/clock.ts'
import { SILENCE_LIMIT_MS } from '../../src/peer/link/silence.ts'
import { until } from '../helpers/until.ts'
import { TestPeer, identities } from './test-peer.ts'

import type { Identity } from '../../src/peer/identity.ts'
import type { SessionId } from '../../src/wire/ids.ts'

test('network - after a sleep links get a fresh limit, and those that live go on', async (t) => {
  let sleptMs = 0
  const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + sleptMs }
  const name = `sleep ${randomBytes(8).toString('hex')}`
  const [one, two] = identities(2) as [Identity, Identity]
  const a = await TestPeer.open(t, { identity: one, topic: name, overrides: { clock } })
  const b = await TestPeer.open(t, { identity: two, topic: name })
  const isTrusted = () => typeof a.network.links()[0]?.beats.jitterMs === 'number'
  await until(isTrusted)
  const sleep = () => (sleptMs += 3_600_000)
  sleep()
  // Who looks too late for once finds links that have been trusted again.
  const again = every(systemClock, 3000, sleep)
  await until(() => !isTrusted())
  again.cancel()
  t.is(a.network.links()[0]?.beats.limitMs, SILENCE_LIMIT_MS)
  await until(isTrusted)
  a.network.hops
    .to(b.id)
    .send({ type: 'close', session: 'ab'.repeat(16) as SessionId, epoch: 1, isReleased: false })
  await b.until(() => b.received.length === 1)
  t.absent([...a.events, ...b.events].some(({ type }) => type === 'link-down'))
})
