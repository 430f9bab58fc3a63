import test, { type Test } from 'brittle'

import { CONNECTIONS_UNPROVEN_MAX, UNPROVEN_BYTES_MAX } from '../../../src/base/limits.ts'
import { Doorstep } from '../../../src/peer/link/doorstep.ts'
import { PROOF_TIMEOUT_MS } from '../../../src/peer/link/unproven.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { streamPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'

const [DIALS, ACCEPTS] = identities(2) as [Identity, Identity]

/** Resolves when a connection is gone, also after a reset. */
function closed(stream: NoiseSecretStream): Promise<unknown> {
  return new Promise((resolve) => stream.on('close', resolve))
}

async function waiting(t: Test, doorstep: Doorstep) {
  const [near, far] = await streamPair(t, DIALS, ACCEPTS)
  const entered: NoiseSecretStream[] = []
  const first: string[] = []
  const later: string[] = []
  doorstep.add(far, (message) => {
    entered.push(far)
    first.push(Buffer.from(message).toString())
    far.on('data', (data: Uint8Array) => later.push(Buffer.from(data).toString()))
  })
  return { near, far, entered, first, later }
}

test('doorstep - who speaks enters, and its first message is read once more inside', async (t) => {
  const { near, entered, first, later } = await waiting(t, new Doorstep(new FakeClock()))
  near.write(Buffer.from('one'))
  near.write(Buffer.from('two'))
  while (later.length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.is(entered.length, 1)
  t.alike(first, ['one'])
  t.alike(later, ['one', 'two'])
})

test('doorstep - who says nothing gets nothing and is sent away in time', async (t) => {
  const clock = new FakeClock()
  const { near, entered } = await waiting(t, new Doorstep(clock))
  const received: Uint8Array[] = []
  near.on('data', (data: Uint8Array) => received.push(data))
  for (let ms = 0; ms <= PROOF_TIMEOUT_MS; ms += 125) clock.advance(125)
  await closed(near)
  t.is(entered.length + received.length, 0)
})

test('doorstep - the silent are bounded and keep nobody out', async (t) => {
  const doorstep = new Doorstep(new FakeClock())
  const all = []
  for (let i = 0; i <= CONNECTIONS_UNPROVEN_MAX; i++) all.push(await waiting(t, doorstep))
  t.ok(all[0]?.far.destroying, 'the oldest made room')
  t.absent(all[1]?.far.destroying)
  const last = all.at(-1)
  last?.near.write(Buffer.from('hello'))
  while (last?.entered.length === 0) await new Promise((resolve) => setImmediate(resolve))
  t.pass()
})

test('doorstep - one endless message is cut off', async (t) => {
  const { near, entered } = await waiting(t, new Doorstep(new FakeClock()))
  near.write(new Uint8Array(2 * UNPROVEN_BYTES_MAX))
  await closed(near)
  t.is(entered.length, 0)
})

test('doorstep - closed, it sends everybody away', async (t) => {
  const doorstep = new Doorstep(new FakeClock())
  const { near } = await waiting(t, doorstep)
  doorstep.close()
  await closed(near)
  t.pass()
})
