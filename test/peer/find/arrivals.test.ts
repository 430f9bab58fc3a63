// What the direct port gives to whom: a stranger that found it gets our one proof at most.

import { randomBytes } from 'node:crypto'
import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { LaneDial } from '../../../src/peer/lane/lane-dial.ts'
import { openTopic } from '../../../src/peer/topic.ts'
import { PROOF_BYTES, proofOf } from '../../../src/wire/proof.ts'
import { TestPeer, identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'

const [SELF, STRANGER] = identities(2) as [Identity, Identity]

async function setUp(t: Test) {
  const topic = `arrivals ${randomBytes(8).toString('hex')}`
  const overrides = { beacon: false, host: '127.0.0.1', port: 0 }
  const peer = await TestPeer.open(t, { identity: SELF, topic, overrides })
  const { proofKey } = openTopic({
    name: topic,
    secret: null,
    bootstrap: false,
    public: false,
    lanOnly: true
  })
  return { peer, proofKey }
}

/** A connection by hand, and every message that comes back on it. */
async function dial(t: Test, port: number, publicKey: Uint8Array | null) {
  const stream = await new Promise<NoiseSecretStream>((resolve, reject) => {
    const target = { hosts: ['127.0.0.1'], port, publicKey }
    const dialling = new LaneDial(target, STRANGER.keyPair, systemClock, (opened) => {
      if (opened === null) reject(new Error('nobody answered'))
      else resolve(opened)
    })
    t.teardown(() => dialling.cancel())
  })
  t.teardown(() => stream.destroy())
  const sizes: number[] = []
  stream.on('data', (message: Uint8Array) => sizes.push(message.byteLength))
  const closed = new Promise((resolve) => stream.on('close', resolve))
  return { stream, sizes, closed }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}

test('arrivals - a stranger that says nothing gets nothing; with a wrong proof it gets ours', async (t) => {
  const { peer } = await setUp(t)
  for (const publicKey of [null, SELF.keyPair.publicKey]) {
    const silent = await dial(t, peer.network.port, publicKey)
    await silent.closed
    t.alike(silent.sizes, [])
    const wrong = await dial(t, peer.network.port, publicKey)
    wrong.stream.write(randomBytes(PROOF_BYTES))
    await wrong.closed
    t.alike(wrong.sizes, [PROOF_BYTES])
  }
  const { error } = await peer.event('refused', STRANGER.id)
  t.is(error.code, 'WIRE_PROOF')
  t.alike(peer.network.links(), [])
})

test('arrivals - a proof of a link opens a link, one of a lane without a link gets nothing', async (t) => {
  const { peer, proofKey } = await setUp(t)
  const link = await dial(t, peer.network.port, SELF.keyPair.publicKey)
  link.stream.write(proofOf(proofKey, link.stream.handshakeHash, 'link', true))
  await until(() => link.sizes.some((sizeBytes) => sizeBytes > PROOF_BYTES))
  t.is(link.sizes[0], PROOF_BYTES, 'and then the hello')
  link.stream.destroy()
  await link.closed
  const lane = await dial(t, peer.network.port, SELF.keyPair.publicKey)
  lane.stream.write(proofOf(proofKey, lane.stream.handshakeHash, 'lane', true))
  await lane.closed
  t.alike(lane.sizes, [])
})

test('arrivals - a proof of another connection is worth nothing here', async (t) => {
  const { peer, proofKey } = await setUp(t)
  const first = await dial(t, peer.network.port, null)
  const second = await dial(t, peer.network.port, null)
  second.stream.write(proofOf(proofKey, first.stream.handshakeHash, 'link', true))
  await second.closed
  t.alike(second.sizes, [PROOF_BYTES])
})

test('arrivals - two secrets that meet are told of on both sides', async (t) => {
  const topic = `secrets ${randomBytes(8).toString('hex')}`
  const overrides = { beacon: false, host: '127.0.0.1', port: 0 }
  const answers = await TestPeer.open(t, { identity: SELF, topic, secret: 'one', overrides })
  const peers = [{ host: '127.0.0.1', port: answers.network.port }]
  const asks = await TestPeer.open(t, {
    identity: STRANGER,
    topic,
    secret: 'two',
    overrides: { ...overrides, peers }
  })
  for (const [peer, other] of [
    [asks, answers],
    [answers, asks]
  ] as const) {
    t.is((await peer.event('refused', other.id)).error.code, 'WIRE_PROOF')
  }
})
