import test from 'brittle'

import { HEARTBEATS_BURST } from '../../../src/base/limits.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { Heartbeats, type Beat } from '../../../src/peer/link/heartbeats.ts'
import { BEAT_INTERVAL_MS } from '../../../src/peer/link/jitter.ts'
import {
  HEARTBEAT_BYTES,
  decodeHeartbeat,
  encodeHeartbeat,
  heartbeatAddress
} from '../../../src/wire/heartbeat.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

import type { Address } from '../../../src/peer/address.ts'
import type { PeerId } from '../../../src/wire/ids.ts'

const random = seededRandom(9)
const [KEY_A, KEY_B] = [random.bytes(32), random.bytes(32)]
const [A, B] = ['aa'.repeat(32), 'bb'.repeat(32)] as [PeerId, PeerId]
const AT_A: Address = { host: '10.0.0.1', port: 1000 }
const AT_B: Address = { host: '10.0.0.2', port: 2000 }
const NOWHERE: Address = { host: '10.9.9.9', port: 2000 }

/** Two sides with a way between them that takes `delayMs`; A believes B at several addresses. */
function setUp(delayMs = 0, atB: Address[] = [AT_B]) {
  const clock = new FakeClock()
  const sent: { bytes: Uint8Array; to: Address }[] = []
  const beats: Beat[] = []
  const way = (side: () => Heartbeats, at: Address, from: Address) => ({
    send(bytes: Uint8Array, to: Address) {
      sent.push({ bytes, to })
      if (to.host !== at.host) return
      clock.after(delayMs, () => side().receive(bytes, from))
    },
    onBeat: (beat: Beat) => beats.push(beat)
  })
  const a: Heartbeats = new Heartbeats(
    clock,
    way(() => b, AT_B, AT_A)
  )
  const b: Heartbeats = new Heartbeats(
    clock,
    way(() => a, AT_A, AT_B)
  )
  a.add({ peer: B, ownKey: KEY_A, theirKey: KEY_B, addresses: atB })
  b.add({ peer: A, ownKey: KEY_B, theirKey: KEY_A, addresses: [] })
  const pass = (nBeats: number, sides = [a, b]) => {
    for (let i = 0; i < nBeats; i++) {
      for (const side of sides) side.tick()
      clock.advance(BEAT_INTERVAL_MS)
    }
  }
  return { clock, a, b, sent, beats, pass }
}

test('heartbeats - each side hears the other once per interval', (t) => {
  const { beats, pass } = setUp()
  pass(20)
  t.is(beats.filter(({ peer }) => peer === A).length, 20)
  t.ok(beats.filter(({ peer }) => peer === B).length >= 19, 'who knew no address learned one')
})

test('heartbeats - the round trip is that of the way, not of the time between heartbeats', (t) => {
  const { beats, pass } = setUp(30)
  pass(20)
  const last = beats.at(-1)?.rttMs as number
  t.ok(Math.abs(last - 60) < 1, `${last} ms`)
})

test('heartbeats - the gap is the time since the one before, whatever was lost between', (t) => {
  const { clock, a, b, beats } = setUp()
  const gaps: (number | null)[] = []
  for (const isSent of [true, true, false, false, true]) {
    beats.length = 0
    if (isSent) a.tick()
    b.tick()
    clock.advance(BEAT_INTERVAL_MS)
    gaps.push(...beats.filter(({ peer }) => peer === A).map(({ gapMs }) => gapMs))
  }
  t.alike(gaps, [null, BEAT_INTERVAL_MS, 3 * BEAT_INTERVAL_MS])
})

test('heartbeats - a stall of our own is no gap, whether its end is a tick or a datagram', (t) => {
  for (const ticksFirst of [true, false]) {
    const { clock, a, b, beats, pass } = setUp()
    pass(3)
    clock.stall(5000)
    beats.length = 0
    if (ticksFirst) b.tick()
    a.tick()
    clock.advance(BEAT_INTERVAL_MS)
    b.tick()
    a.tick()
    clock.advance(BEAT_INTERVAL_MS)
    const gaps = beats.filter(({ peer }) => peer === A).map(({ gapMs }) => gapMs)
    t.is(gaps.length, 2)
    t.ok(gaps.every((gapMs) => gapMs === null || gapMs === BEAT_INTERVAL_MS))
  }
})

test('heartbeats - every address is tried in turn until one answers, and then only that', (t) => {
  const { sent, pass } = setUp(0, [NOWHERE, AT_B])
  pass(10)
  const fromA = sent.filter(({ to }) => to.port === 2000).map(({ to }) => to.host)
  t.alike(fromA.slice(0, 2), [NOWHERE.host, AT_B.host])
  t.is(fromA.length, 10)
  t.ok(
    fromA.slice(3).every((host) => host === AT_B.host),
    'the answer to the second settles it'
  )
})

test('heartbeats - a neighbour that falls silent is looked for everywhere again', (t) => {
  const { a, sent, pass } = setUp(0, [AT_B, NOWHERE])
  pass(10)
  sent.length = 0
  pass(40, [a])
  t.ok(sent.slice(0, 25).every(({ to }) => to.host === AT_B.host))
  t.ok(sent.some(({ to }) => to.host === NOWHERE.host))
})

test('heartbeats - a replay, a forgery, a reflection and noise are not heard', (t) => {
  const { clock, a, b, sent, beats, pass } = setUp()
  pass(5)
  const ofA = sent.filter(({ to }) => to.port === 2000)
  clock.advance(10_000)
  beats.length = 0
  for (const { bytes } of ofA) b.receive(bytes, AT_A)
  for (const { bytes } of ofA) a.receive(bytes, AT_B)
  const next = { number: 1000, heard: 0, heardAgoUs: 0 }
  b.receive(encodeHeartbeat(next, heartbeatAddress(KEY_B), KEY_A), AT_A)
  for (let size = 0; size <= 2 * HEARTBEAT_BYTES; size++) b.receive(random.bytes(size), AT_A)
  t.is(beats.length, 0)
  b.receive(encodeHeartbeat(next, heartbeatAddress(KEY_B), KEY_B), AT_A)
  t.is(beats.length, 1, 'a true one is')
})

test('heartbeats - a forged datagram moves no target and is answered by nothing', (t) => {
  const { b, sent, pass } = setUp()
  pass(5)
  sent.length = 0
  const forged = encodeHeartbeat(
    { number: 99, heard: 0, heardAgoUs: 0 },
    heartbeatAddress(KEY_B),
    KEY_A
  )
  b.receive(forged, NOWHERE)
  t.is(sent.length, 0)
  b.tick()
  t.alike(
    sent.map(({ to }) => to),
    [AT_A]
  )
})

test('heartbeats - of a flood in the name of one link so many are checked and no more', (t) => {
  const { clock, b, beats } = setUp()
  clock.advance(10_000)
  const address = heartbeatAddress(KEY_B)
  for (let number = 1; number <= 10 * HEARTBEATS_BURST; number++) {
    b.receive(encodeHeartbeat({ number, heard: 0, heardAgoUs: 0 }, address, KEY_B), AT_A)
  }
  t.is(beats.length, HEARTBEATS_BURST)
})

test('heartbeats - after a link is down nothing is sent, and nothing of it is heard', (t) => {
  const { a, b, sent, beats, pass } = setUp()
  pass(5)
  b.remove(A)
  a.remove(B)
  sent.length = 0
  beats.length = 0
  pass(5)
  const late = { number: 999, heard: 0, heardAgoUs: 0 }
  b.receive(encodeHeartbeat(late, heartbeatAddress(KEY_B), KEY_B), AT_A)
  t.is(sent.length + beats.length, 0)
})

test('heartbeats - a new link with the same peer begins anew with its own key', (t) => {
  const { a, sent, beats, pass, b } = setUp()
  pass(5)
  const fresh = random.bytes(32)
  b.add({ peer: A, ownKey: fresh, theirKey: KEY_A, addresses: [] })
  beats.length = 0
  sent.length = 0
  pass(3)
  t.is(beats.filter(({ peer }) => peer === A).length, 0, 'the old key is worth nothing')
  a.add({ peer: B, ownKey: KEY_A, theirKey: fresh, addresses: [AT_B] })
  pass(3)
  t.ok(beats.filter(({ peer }) => peer === A).length >= 3)
  const numbers = sent.map(({ bytes }) => decodeHeartbeat(bytes, fresh, 0)?.number ?? 0)
  t.is(
    numbers.find((number) => number > 0),
    1
  )
})
