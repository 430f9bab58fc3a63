// One measurement over a real encrypted connection on loopback, and what breaks off a bad one.

import test, { type Test } from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { PROBE_PINGS_MAX } from '../../../src/base/limits.ts'
import { seededRandom, systemRandom } from '../../../src/base/random.ts'
import { SwarmError } from '../../../src/base/errors.ts'
import { dialPlain, offerPlain } from '../../../src/peer/probe/plain-flood.ts'
import { ProbeChannel } from '../../../src/peer/probe/probe-channel.ts'
import { follow, lead, type SessionOptions } from '../../../src/peer/probe/probe-session.ts'
import { encodeProbe, type ProbeMessage } from '../../../src/wire/probe.ts'
import { streamPair } from '../stream-pair.ts'
import { identities } from '../test-peer.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Identity } from '../../../src/peer/identity.ts'

const SLOW = { timeout: 120_000 }

function options(name: string, measures: boolean): SessionOptions {
  const hello = { name, mtuBytes: 1500, measures }
  return { clock: systemClock, random: systemRandom, activationBytes: 16_384, hello }
}

function streams(t: Test): Promise<[NoiseSecretStream, NoiseSecretStream]> {
  const [a, b] = identities(2)
  return streamPair(t, a as Identity, b as Identity)
}

async function channels(t: Test, takes = true): Promise<[ProbeChannel, ProbeChannel]> {
  const [a, b] = await streams(t)
  return [new ProbeChannel(a, systemClock, takes), new ProbeChannel(b, systemClock, takes)]
}

test('probe session - both ends learn the same figures, seen from either side', SLOW, async (t) => {
  const [a, b] = await channels(t)
  const [led, followed] = await Promise.all([
    lead(a, options('atlas', true)),
    follow(b, options('boron', true))
  ])
  t.alike([led.name, followed.name, led.mtuBytes], ['boron', 'atlas', 1500])
  for (const kind of ['noise', 'plain'] as const) {
    t.ok((led[kind].toBytesPerSecond ?? 0) > 1e6, `${kind} there`)
    t.ok((led[kind].fromBytesPerSecond ?? 0) > 1e6, `${kind} back`)
    t.is(led[kind].toBytesPerSecond, followed[kind].fromBytesPerSecond)
    t.is(led[kind].fromBytesPerSecond, followed[kind].toBytesPerSecond)
  }
  t.ok((led.rttMs ?? 0) > 0 && (led.rttMs ?? 99) < 50)
  t.ok(Math.abs((led.rttMs ?? 0) - (followed.rttMs ?? 99)) < 0.001)
  t.ok((followed.activationRttMs ?? 0) >= 0.001)
})

test('probe session - without a topic on both sides only round trips are measured', async (t) => {
  for (const [ours, theirs] of [
    [false, false],
    [true, false],
    [false, true]
  ] as const) {
    const [a, b] = await channels(t, false)
    const [led, followed] = await Promise.all([
      lead(a, options('atlas', ours)),
      follow(b, options('boron', theirs))
    ])
    t.alike([led.noise.toBytesPerSecond, followed.plain.toBytesPerSecond], [null, null])
    t.ok((led.rttMs ?? 0) > 0)
  }
})

/** A connection whose other end says what the test says. */
async function against(
  t: Test,
  takes: boolean
): Promise<[ProbeChannel, (m: ProbeMessage) => void]> {
  const [a, b] = await streams(t)
  b.on('error', () => {})
  b.on('data', () => {})
  const say = (message: ProbeMessage) => void (b.destroyed || b.write(encodeProbe(message)))
  return [new ProbeChannel(a, systemClock, takes), say]
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason
  )
  return error instanceof SwarmError ? error.code : String(error)
}

const hello: ProbeMessage = { type: 'hello', name: 'x', mtuBytes: 1500, measures: true }
const padding = new Uint8Array(8)

test('probe session - a flood that nobody asked for ends at its first block', async (t) => {
  const [channel, say] = await against(t, false)
  say(hello)
  say({ type: 'data', padding })
  say({ type: 'end' })
  t.is(await codeOf(follow(channel, options('boron', false))), 'WIRE_TOO_LARGE')
})

test('probe session - pings without end are too many', async (t) => {
  const [channel, say] = await against(t, true)
  say(hello)
  for (let id = 0; id <= PROBE_PINGS_MAX; id++) say({ type: 'ping', id, padding })
  t.is(await codeOf(follow(channel, options('boron', true))), 'WIRE_TOO_LARGE')
})

test('probe session - messages that nobody reads are not heaped up', async (t) => {
  const [channel, say] = await against(t, true)
  for (let i = 0; i < 100; i++) say({ type: 'report', sizeBytes: 1, durationUs: 1 })
  // Nobody reads until all have come.
  await new Promise((resolve) => systemClock.after(50, () => resolve(null)))
  const read = async () => {
    let count = 0
    for (;;) {
      await channel.next()
      if (++count > 20) return count
    }
  }
  t.is(await codeOf(read()), 'WIRE_TOO_LARGE')
})

test('probe session - a message out of order, and one that is none, end it', async (t) => {
  const [early, say] = await against(t, true)
  say({ type: 'end' })
  t.is(await codeOf(follow(early, options('boron', true))), 'WIRE_BAD_FRAME')
  const [a, b] = await streams(t)
  b.on('error', () => {})
  const channel = new ProbeChannel(a, systemClock, true)
  b.write(new Uint8Array([77]))
  t.is(await codeOf(channel.next()), 'WIRE_UNKNOWN_TYPE')
})

test('probe session - an end that hangs up is told, on either side', async (t) => {
  const [a, b] = await streams(t)
  const channel = new ProbeChannel(a, systemClock, true)
  b.on('error', () => {})
  b.destroy()
  t.is(await codeOf(lead(channel, options('atlas', true))), 'PEER_GONE')
})

test('plain flood - a port is for who has the token, and for nobody else', SLOW, async (t) => {
  const token = seededRandom(1).bytes(16)
  const wrong = await offerPlain('127.0.0.1', token, systemClock)
  t.teardown(() => wrong.close())
  await dialPlain('127.0.0.1', wrong.port, seededRandom(2).bytes(16), systemClock)
  t.is(await wrong.received, null)
  const closed = await dialPlain('127.0.0.1', wrong.port, token, systemClock)
  t.is(closed, null, 'the port took one connection')
  const right = await offerPlain('127.0.0.1', token, systemClock)
  const back = await dialPlain('127.0.0.1', right.port, token, systemClock)
  const there = await right.received
  t.ok((back?.sizeBytes ?? 0) > 1e6 && (there?.sizeBytes ?? 0) > 1e6)
})

test('plain flood - an offer that nobody takes is closed', async (t) => {
  const offer = await offerPlain('127.0.0.1', new Uint8Array(16), systemClock)
  offer.close()
  t.is(await offer.received, null)
})
