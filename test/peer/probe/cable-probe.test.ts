// Two and more `swarm bridge` on one machine find and measure each other, and only whom they should.

import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { identityOf } from '../../../src/peer/identity.ts'
import { probeCables, type CableProbeOptions } from '../../../src/peer/probe/cable-probe.ts'
import { openTopic, type Topic } from '../../../src/peer/topic.ts'
import { TestPeer, identities } from '../test-peer.ts'
import { ownPort } from '../../helpers/own-port.ts'

import type { Identity } from '../../../src/peer/identity.ts'

const SLOW = { timeout: 120_000 }
// Not the port of the product, so that nobody else's beacon is heard here.
const PORT = ownPort()

function topicOf(name: string, secret: string | null = null): Topic {
  return openTopic({ name, secret, bootstrap: false, public: false, lanOnly: true })
}

function probe(topic: Topic | null, differs: Partial<CableProbeOptions> = {}) {
  const options: CableProbeOptions = {
    topic,
    identity: identityOf(systemRandom.bytes(32)),
    name: 'test',
    interfaceOf: () => 'lo',
    mtuOf: () => 65_536,
    activationBytes: 4096,
    waitMs: 30_000,
    clock: systemClock,
    random: systemRandom,
    beaconPort: PORT,
    ...differs
  }
  return probeCables(options, new AbortController().signal)
}

test('cable probe - two of one topic measure each other, once', SLOW, async (t) => {
  const topic = topicOf('cable')
  const all = await Promise.all([probe(topic, { name: 'a' }), probe(topic, { name: 'b' })])
  t.alike(
    all.map((ends) => ends.map(({ kind, figures }) => `${kind} ${figures?.name}`)),
    [['bridge b'], ['bridge a']]
  )
  const [[a], [b]] = all
  t.ok((a?.figures?.noise.toBytesPerSecond ?? 0) > 1e6)
  t.is(a?.figures?.plain.toBytesPerSecond, b?.figures?.plain.fromBytesPerSecond)
  t.alike([a?.error, b?.error], [null, null])
})

test('cable probe - without a topic they find and time each other, no more', SLOW, async (t) => {
  const [[a], [b]] = await Promise.all([probe(null), probe(null)])
  t.alike([a?.kind, b?.kind], ['bridge', 'bridge'])
  t.ok((a?.figures?.rttMs ?? 0) > 0)
  t.alike([a?.figures?.noise.toBytesPerSecond, b?.figures?.plain.fromBytesPerSecond], [null, null])
})

test(
  'cable probe - another topic, another secret or none is told and not measured',
  SLOW,
  async (t) => {
    for (const [ours, theirs] of [
      [topicOf('one'), topicOf('two')],
      [topicOf('one', 'secret'), topicOf('one')],
      [topicOf('one'), null]
    ] as const) {
      const all = await Promise.all([probe(ours), probe(theirs)])
      for (const ends of all) {
        t.alike(
          ends.map(({ kind, figures }) => [kind, figures]),
          [['other-topic', null]]
        )
      }
    }
  }
)

test(
  'cable probe - a running peer of the topic is found and timed, and not disturbed',
  SLOW,
  async (t) => {
    const [identity] = identities(1) as [Identity]
    const peer = new TestPeer({
      identity,
      topic: 'cable with a peer',
      overrides: { beacon: true, beaconPort: PORT, host: '127.0.0.1' }
    })
    t.teardown(() => peer.network.close())
    await peer.network.open()
    const [end, ...others] = await probe(topicOf('cable with a peer'))
    t.alike(others, [])
    t.alike([end?.kind, end?.key, end?.error], ['peer', identity.id, null])
    t.ok((end?.connectMs ?? 0) > 0 && (end?.connectMs ?? 99) < 50)
    t.alike(peer.events, [])
  }
)

test('cable probe - a peer that is heard but blocked is named with its port', SLOW, async (t) => {
  const peer = await silentBeacon(t)
  const [end] = await probe(topicOf('blocked'))
  t.is(end?.key, peer)
  t.is(end?.error?.code, 'PEER_NO_LINK')
  t.ok(/cannot be opened; a firewall/.test(end?.error?.message ?? ''), end?.error?.message)
})

test(
  'cable probe - nobody there is an empty answer after the time it was given',
  SLOW,
  async (t) => {
    const startMs = performance.now()
    t.alike(await probe(topicOf('nobody'), { waitMs: 300 }), [])
    const tookMs = performance.now() - startMs
    t.ok(tookMs < 2000, `${tookMs} ms`)
  }
)

test(
  'cable probe - an abort ends it at once, in the middle of a measurement too',
  SLOW,
  async (t) => {
    const topic = topicOf('aborted')
    const abort = new AbortController()
    const other = probe(topic)
    const options = { topic, identity: identityOf(systemRandom.bytes(32)), name: 'test' }
    const rest = { interfaceOf: () => 'lo', mtuOf: () => 1500, activationBytes: 4096 }
    const more = { waitMs: 9999, clock: systemClock, random: systemRandom, beaconPort: PORT }
    let abortedMs = 0
    const onSighting = () => {
      systemClock.after(300, () => {
        abortedMs = performance.now()
        abort.abort()
      })
    }
    const aborted = probeCables({ ...options, ...rest, ...more, onSighting }, abort.signal)
    await t.exception(aborted, /abort/i)
    const tookMs = performance.now() - abortedMs
    t.ok(tookMs < 1000, `${tookMs} ms`)
    const [end] = await other
    t.is(end?.figures, null)
    t.ok(end?.error)
  }
)

/** Calls out like a peer whose lane port nobody can open. */
async function silentBeacon(t: Test) {
  const { Beacon } = await import('../../../src/peer/find/beacon.ts')
  const [, identity] = identities(2) as [Identity, Identity]
  const beacon = new Beacon({
    beaconKey: topicOf('blocked').beaconKey,
    own: { key: identity.id, instance: '00'.repeat(8), dhtPort: 1, lanePort: 1 },
    clock: systemClock,
    port: PORT,
    onHint: () => {},
    onDuplicate: () => {}
  })
  beacon.open()
  t.teardown(() => beacon.close())
  return identity.id
}
