import test from 'brittle'

import { BEAT_INTERVAL_MS, LIMIT_LEAST_MS } from '../../../src/peer/link/jitter.ts'
import {
  CONNECTION_LIMIT_MS,
  GAPS_TRUSTED,
  PING_TICKS,
  SILENCE_LIMIT_MS,
  Silence,
  TICK_MS,
  afterListening,
  listenedMs
} from '../../../src/peer/link/silence.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { silenceRun, type SilenceReport, type Way } from './silence-run.ts'

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
  clock.advance(2999 - 2 * TICK_MS)
  t.is(fired, 0)
  clock.advance(1 + TICK_MS)
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

const MINUTE_MS = 60_000
const EVEN: Way = { jitterMs: 45, lossShare: 0, stallsPerMinute: 6, stallMostMs: 3000 }
const BAD: Way = { jitterMs: 200, lossShare: 0.05, stallsPerMinute: 6, stallMostMs: 3000 }
const LOSSY: Way = { jitterMs: 5, lossShare: 0.05, stallsPerMinute: 6, stallMostMs: 3000 }

/** Ten minutes of each way, from so many seeds. */
function runs(way: Way, count: number) {
  return Array.from({ length: count }, (_, seed) => silenceRun(seed, way, 10 * MINUTE_MS))
}

test('silence - even heartbeats: gone within 750 ms, and never falsely in ten minutes', (t) => {
  const reports = runs(EVEN, 20)
  t.is(reports.filter(({ isFalse }) => isFalse).length, 0)
  t.ok(reports.every(({ jitterMs }) => jitterMs > 0 && jitterMs <= 50))
  const worstMs = Math.max(...reports.map(({ noticedMs }) => noticedMs))
  t.ok(worstMs <= 750, `${worstMs} ms`)
  t.ok(worstMs > 500)
})

test('silence - 200 ms of jitter and 5 % lost: gone within 2 s, and never falsely', (t) => {
  for (const way of [BAD, LOSSY]) {
    const reports = runs(way, 20)
    t.is(reports.filter(({ isFalse }) => isFalse).length, 0)
    t.ok(reports.every(({ jitterMs }) => jitterMs > 50))
    const worstMs = Math.max(...reports.map(({ noticedMs }) => noticedMs))
    t.ok(worstMs <= 2000, `${worstMs} ms`)
  }
})

test('silence - the simulated ways lose, delay and stall as they say', (t) => {
  const [report] = runs(BAD, 1) as [SilenceReport]
  t.ok(report.nBeats > 5600 && report.nBeats < 5800, `${report.nBeats} of 6000 arrive`)
  t.ok(report.nStalls > 30 && report.nStalls < 90, `${report.nStalls} stalls`)
  t.ok(report.jitterMs > 150 && report.jitterMs < 400, `${report.jitterMs} ms`)
  // The canary: a limit that follows nothing is wrong on this way.
  const fixed = runs({ ...BAD, lossShare: 0.75 }, 5)
  t.ok(
    fixed.some(({ isFalse }) => isFalse),
    'at 75 % loss no limit below two seconds holds'
  )
})

test('silence - before heartbeats have shown that they come, the long limit holds', (t) => {
  const silence = new Silence(0)
  let nowMs = 0
  for (let i = 0; i <= GAPS_TRUSTED; i++) {
    t.is(silence.limitMs, SILENCE_LIMIT_MS)
    t.is(silence.jitterMs, null)
    silence.beat((nowMs += BEAT_INTERVAL_MS), i === 0 ? null : BEAT_INTERVAL_MS)
  }
  t.is(silence.limitMs, LIMIT_LEAST_MS)
  t.is(silence.jitterMs, 0)
})

function beaten(): { silence: Silence; nowMs: number } {
  const silence = new Silence(0)
  let nowMs = 0
  for (let i = 0; i < 100; i++) {
    silence.beat((nowMs += BEAT_INTERVAL_MS), BEAT_INTERVAL_MS)
    silence.heard(nowMs)
    silence.tick(TICK_MS, nowMs)
  }
  return { silence, nowMs }
}

test('silence - who is heard but sends no heartbeats any more is given the long limit', (t) => {
  const { silence, nowMs: startMs } = beaten()
  let nowMs = startMs
  for (let i = 0; i < 20; i++) {
    nowMs += TICK_MS
    silence.heard(nowMs)
    t.absent(silence.tick(TICK_MS, nowMs))
  }
  t.is(silence.limitMs, SILENCE_LIMIT_MS)
  t.is(silence.jitterMs, null)
})

test('silence - what came between the last heartbeat and the end earns no long limit', (t) => {
  const { silence, nowMs: startMs } = beaten()
  let nowMs = startMs
  silence.heard((nowMs += BEAT_INTERVAL_MS))
  while (!silence.tick(TICK_MS, (nowMs += TICK_MS)));
  t.ok(nowMs - startMs <= BEAT_INTERVAL_MS + LIMIT_LEAST_MS + TICK_MS, `${nowMs - startMs} ms`)
})

test('silence - after an absence of our own the long limit holds, and begins anew', (t) => {
  const { silence, nowMs } = beaten()
  t.absent(silence.tick(500, nowMs + 500))
  silence.renew(nowMs + 500)
  t.is(silence.limitMs, SILENCE_LIMIT_MS)
  t.absent(silence.tick(SILENCE_LIMIT_MS, nowMs + 500 + SILENCE_LIMIT_MS))
  t.ok(silence.tick(TICK_MS, nowMs + 500 + SILENCE_LIMIT_MS + TICK_MS))
})

test('silence - a connection that carries nothing is given up, though the peer is heard elsewhere', (t) => {
  const silence = new Silence(0)
  let nowMs = 0
  let verdict = null
  while (verdict === null && nowMs < 10 * CONNECTION_LIMIT_MS) {
    nowMs += TICK_MS
    if (nowMs % BEAT_INTERVAL_MS === 0) silence.beat(nowMs, BEAT_INTERVAL_MS)
    silence.heard(nowMs, false)
    verdict = silence.tick(TICK_MS, nowMs)
  }
  t.is(verdict, 'connection')
  t.is(nowMs, CONNECTION_LIMIT_MS + TICK_MS)
  silence.heard(nowMs)
  t.is(silence.tick(TICK_MS, nowMs + TICK_MS), null)
})
