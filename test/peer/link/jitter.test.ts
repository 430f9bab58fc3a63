import test from 'brittle'

import { below, seededRandom } from '../../../src/base/random.ts'
import {
  BEAT_INTERVAL_MS,
  EVEN_JITTER_MS,
  Jitter,
  LIMIT_LEAST_MS,
  LIMIT_MOST_MS,
  silenceLimitMs
} from '../../../src/peer/link/jitter.ts'
import { TICK_MS } from '../../../src/peer/link/silence.ts'

test('jitter - the limit is least up to 50 ms, then rises, and never beyond its bound', (t) => {
  t.is(silenceLimitMs(0), LIMIT_LEAST_MS)
  t.is(silenceLimitMs(EVEN_JITTER_MS), LIMIT_LEAST_MS)
  t.is(silenceLimitMs(BEAT_INTERVAL_MS), 1050)
  t.is(silenceLimitMs(1e9), LIMIT_MOST_MS)
  for (let ms = 0; ms < 500; ms++) if (silenceLimitMs(ms + 1) < silenceLimitMs(ms)) t.fail()
})

test('jitter - with a tick on top the limits keep what is promised', (t) => {
  t.ok(LIMIT_LEAST_MS + TICK_MS <= 750 && LIMIT_MOST_MS + TICK_MS <= 2000)
})

test('jitter - is the 99th percentile of what exceeds the interval, over the newest gaps', (t) => {
  const random = seededRandom(4)
  const jitter = new Jitter()
  const gaps: number[] = []
  t.is(jitter.p99Ms, 0)
  for (let i = 0; i < 2000; i++) {
    const gapMs = below(random, 5) === 0 ? 100 : below(random, 400)
    gaps.push(gapMs)
    jitter.sample(gapMs)
    const kept = gaps.slice(-256).map((gap) => Math.max(0, gap - BEAT_INTERVAL_MS))
    kept.sort((a, b) => a - b)
    if (jitter.p99Ms !== kept[Math.floor(0.99 * (kept.length - 1))]) t.fail(`after ${i}`)
    if (jitter.nGaps !== kept.length) t.fail(`${jitter.nGaps} gaps`)
  }
  t.pass()
})

test('jitter - one stall in the first seconds is none, two are', (t) => {
  const jitter = new Jitter()
  for (let i = 0; i < 20; i++) jitter.sample(i === 3 ? 190 : 101)
  t.is(jitter.p99Ms, 1)
  jitter.sample(180)
  t.is(jitter.p99Ms, 80)
})
