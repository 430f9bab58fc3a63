import test from 'brittle'

import {
  PING_TICKS,
  SILENCE_LIMIT_MS,
  Silence,
  TICK_MS,
  afterListening,
  listenedMs
} from '../../../src/peer/link/silence.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

test('silence - a peer is gone within 1.5 s of its last word, wherever that fell', (t) => {
  for (let wordMs = 0; wordMs < TICK_MS; wordMs += 5) {
    const silence = new Silence(0)
    silence.heard(wordMs)
    let nowMs = 0
    do nowMs += TICK_MS
    while (!silence.tick(listenedMs(TICK_MS), nowMs))
    if (nowMs - wordMs <= SILENCE_LIMIT_MS) t.fail('too early')
    if (nowMs - wordMs > 1500) t.fail('too late')
  }
  t.pass()
})

test('silence - a peer that stalls for a second between two pings is not gone', (t) => {
  t.ok(SILENCE_LIMIT_MS >= 1000 + PING_TICKS * TICK_MS)
})

test('silence - a word begins the count anew', (t) => {
  const silence = new Silence(0)
  for (let nowMs = 1; nowMs < 100; nowMs++) {
    silence.heard(nowMs * 10_000)
    if (silence.tick(TICK_MS, nowMs * 10_000 + SILENCE_LIMIT_MS)) t.fail()
  }
  t.pass()
})

test('silence - our own stall of a second or an hour is no silence of the peer', (t) => {
  for (const stallMs of [1000, 3_600_000]) {
    const silence = new Silence(0)
    t.absent(silence.tick(listenedMs(stallMs), stallMs))
    t.absent(silence.tick(listenedMs(TICK_MS), stallMs + TICK_MS))
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
