import test from 'brittle'

import {
  PING_TICKS,
  SILENCE_LIMIT_MS,
  Silence,
  TICK_MS,
  afterListening,
  listenedMs
} from '../../src/peer/silence.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

test('silence - a peer is gone within 1.5 s of its last word', (t) => {
  const silence = new Silence()
  silence.heard()
  let elapsedMs = 0
  do elapsedMs += TICK_MS
  while (!silence.tick(listenedMs(TICK_MS)))
  t.ok(elapsedMs > SILENCE_LIMIT_MS)
  t.ok(elapsedMs <= 1500 - TICK_MS, `${elapsedMs} ms`)
})

test('silence - several pings in a row must be missing', (t) => {
  t.ok(SILENCE_LIMIT_MS >= 4 * PING_TICKS * TICK_MS)
})

test('silence - a word begins the count anew', (t) => {
  const silence = new Silence()
  for (let i = 0; i < 100; i++) {
    t.absent(silence.tick(SILENCE_LIMIT_MS))
    silence.heard()
  }
})

test('silence - our own stall of a second or an hour is no silence of the peer', (t) => {
  for (const stallMs of [1000, 3_600_000]) {
    const silence = new Silence()
    t.absent(silence.tick(listenedMs(stallMs)))
    t.absent(silence.tick(listenedMs(TICK_MS)))
  }
})

test('silence - a clock that goes back counts nothing', (t) => t.is(listenedMs(-5), 0))

test('silence - a deadline is not used up by our own stall', (t) => {
  const clock = new FakeClock()
  let fired = 0
  afterListening(clock, 3000, () => fired++)
  clock.stall(10_000)
  t.is(fired, 0)
  clock.advance(2800)
  t.is(fired, 1)
  clock.advance(60_000)
  t.is(fired, 1)
})

test('silence - a deadline that is cancelled never comes', (t) => {
  const clock = new FakeClock()
  const timer = afterListening(clock, 300, () => t.fail())
  clock.advance(200)
  timer.cancel()
  clock.advance(1000)
  t.pass()
})
