import test from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { SwarmError } from '../../../src/base/errors.ts'
import { CONNECTIONS_UNPROVEN_MAX } from '../../../src/base/limits.ts'
import { LaneDial } from '../../../src/peer/lane/lane-dial.ts'
import { PROOF_BYTES } from '../../../src/wire/proof.ts'
import { identities } from '../test-peer.ts'
import { lanesUp, sides } from './lane-sides.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Carrier } from '../../../src/peer/lane/carrier.ts'
import type { Identity } from '../../../src/peer/identity.ts'

test('lanes - the lower key dials and both have the same lane', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  lower.carrier?.ship(Buffer.from('down'))
  upper.carrier?.ship(Buffer.from('up'))
  await Promise.all([lower.until('frame up'), upper.until('frame down')])
  t.alike(lower.log, ['tcp', 'frame up'])
})

test('lanes - if the lower key reaches nothing, the upper one dials', async (t) => {
  const [lower, upper] = await sides(t)
  upper.linkUp(true)
  lower.linkUp(false)
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
  t.pass()
})

test('lanes - if neither reaches the other, both use the link', async (t) => {
  const [lower, upper] = await sides(t)
  upper.linkUp(false)
  lower.linkUp(false)
  await Promise.all([lower.until('udx'), upper.until('udx')])
  t.is(lower.carrier, lower.link as Carrier)
  t.is(upper.carrier, upper.link as Carrier)
  t.is(lower.lanes.slot(upper.identity.id)?.rttMs, 5)
})

test('lanes - one that arrives before its link has come up here is kept for it', async (t) => {
  const [lower, upper] = await sides(t)
  lower.linkUp(true)
  await new Promise((resolve) => setImmediate(resolve))
  upper.linkUp(true)
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
  t.alike(upper.log, ['tcp'])
})

test('lanes - a broken one is reported on both sides, and then there is a new one', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  upper.carrier?.close(new SwarmError('PEER_BUSY', 'too slow'))
  await Promise.all([lower.until('lost PEER_GONE'), upper.until('lost PEER_BUSY')])
  lower.log.length = 0
  upper.log.length = 0
  await Promise.all([lower.until('tcp'), upper.until('tcp')])
  lower.carrier?.ship(Buffer.from('again'))
  await upper.until('frame again')
  t.pass()
})

test('lanes - bytes that break the protocol end the link as well', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  upper.carrier?.close(new SwarmError('WIRE_BAD_FRAME', 'nonsense'))
  await upper.until('link WIRE_BAD_FRAME')
  t.alike(upper.log, ['tcp', 'lost WIRE_BAD_FRAME', 'link WIRE_BAD_FRAME'])
})

test('lanes - another topic gets none, though its key is the right one', async (t) => {
  const [lower, upper] = await sides(t, new Uint8Array(32).fill(5))
  upper.linkUp(false)
  lower.linkUp(true)
  await Promise.all([lower.until('udx'), upper.until('udx')])
  t.absent(lower.log.includes('tcp') || upper.log.includes('tcp'))
})

test('lanes - a stranger gets not even a proof; a member that is not wanted yet neither', async (t) => {
  const [lower, upper] = await sides(t)
  for (const expected of [false, true]) {
    upper.expects = expected
    const target = {
      hosts: ['127.0.0.1'],
      port: upper.port,
      publicKey: upper.identity.keyPair.publicKey
    }
    const stream = await new Promise<NoiseSecretStream | null>((resolve) => {
      const dial = new LaneDial(target, lower.identity.keyPair, systemClock, resolve)
      t.teardown(() => dial.cancel())
    })
    const received: Uint8Array[] = []
    stream?.on('data', (message: Uint8Array) => received.push(message))
    stream?.write(new Uint8Array(PROOF_BYTES))
    await new Promise((resolve) => stream?.on('close', resolve))
    t.is(received.length, 0)
  }
})

test('lanes - one member that opens many and proves nothing keeps no other out', async (t) => {
  const [lower, upper] = await sides(t)
  const [third] = identities(1, 9) as [Identity]
  const publicKey = upper.identity.keyPair.publicKey
  for (let i = 0; i < CONNECTIONS_UNPROVEN_MAX; i++) {
    const target = { hosts: ['127.0.0.1'], port: upper.port, publicKey }
    await new Promise((resolve) => {
      const dial = new LaneDial(target, third.keyPair, systemClock, (stream) => {
        t.teardown(() => stream?.destroy())
        stream?.on('error', () => {})
        resolve(stream)
      })
      t.teardown(() => dial.cancel())
    })
  }
  upper.linkUp(false)
  lower.linkUp(true)
  await Promise.race([lower.until('tcp'), lower.until('udx')])
  t.alike(lower.log, ['tcp'])
})

test('lanes - with the link goes the lane, without further word', async (t) => {
  const [lower, upper] = await sides(t)
  await lanesUp(lower, upper)
  upper.lanes.linkDown(lower.identity.id)
  await lower.until('lost PEER_GONE')
  t.alike(upper.log, ['tcp'])
  t.is(upper.carrier, null)
})
