import test, { type Test } from 'brittle'

import { Bursts, BURST_BYTES } from '../../../src/peer/lane/bursts.ts'

const MEGABITS = (BURST_BYTES * 8) / 1e6

/** @param timesMs of each burst, from its sending to the answer. */
function measured(t: Test, rttMs: number, timesMs: number[]): number | null {
  let mbps: number | null = null
  const bursts = new Bursts(rttMs, (path) => {
    t.is(path.rttMs, rttMs)
    mbps = path.mbps
  })
  for (const [id, timeMs] of timesMs.entries()) {
    bursts.sent(id, 1000)
    const isMore = bursts.answered(id, 1000 + timeMs)
    if (isMore === false) return mbps
  }
  return mbps
}

test('bursts - the fastest of three counts, without the round trip', (t) => {
  t.is(measured(t, 1, [100, 11, 50]), Math.floor((MEGABITS * 1000) / 10))
})

test('bursts - a path is not fast because its pings were slow', (t) => {
  t.is(measured(t, 500, [10, 10, 10]), Math.floor(MEGABITS * 1000))
  t.ok(Number.isFinite(measured(t, 0, [0, 0, 0])))
})

test('bursts - the slowest path has a megabit', (t) => {
  t.is(measured(t, 1, [1e9, 1e9, 1e9]), 1)
})

test('bursts - nothing is known before the last of them, and other pings mean nothing', (t) => {
  t.is(measured(t, 1, [10, 10]), null)
  const bursts = new Bursts(1, () => t.fail())
  t.is(bursts.answered(3, 5), null)
  bursts.sent(7, 0)
  t.is(bursts.answered(6, 5), null)
  t.is(bursts.answered(7, 5), true)
})
