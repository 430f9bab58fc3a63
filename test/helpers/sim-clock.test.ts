import test from 'brittle'

import { sleep } from '../../src/base/clock.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { SimClock } from './sim-clock.ts'

test('sim clock - timers fire by time, then in the order of their making', async (t) => {
  const clock = new SimClock()
  const random = seededRandom(1)
  const due = Array.from({ length: 500 }, (_, i) => ({ i, atMs: below(random, 40) }))
  const fired: typeof due = []
  for (const entry of due) clock.after(entry.atMs, () => fired.push(entry))
  await clock.until(() => fired.length === due.length)
  t.alike(
    fired,
    due.toSorted((a, b) => a.atMs - b.atMs || a.i - b.i)
  )
})

test('sim clock - between two timers promises do all they can', async (t) => {
  const clock = new SimClock()
  const seen: string[] = []
  clock.after(1, () => {
    void (async () => {
      for (let i = 0; i < 20; i++) await Promise.resolve()
      seen.push('promise')
    })()
  })
  clock.after(1, () => seen.push('timer'))
  await clock.pass(2)
  t.alike(seen, ['promise', 'timer'])
})

test('sim clock - a cancelled timer does not fire, a limit stops the wait', async (t) => {
  const clock = new SimClock()
  let fired = 0
  clock.after(5, () => fired++).cancel()
  clock.after(50, () => fired++)
  t.absent(await clock.until(() => fired > 0, 20))
  t.is(clock.now(), 1020)
  t.ok(await clock.until(() => fired > 0, 50))
  t.is(clock.now(), 1050)
  t.absent(await clock.until(() => fired > 1), 'nothing is left to happen')
})

test('sim clock - sleeping takes simulated time only', async (t) => {
  const clock = new SimClock()
  let isAwake = false
  void sleep(clock, 3_600_000).then(() => (isAwake = true))
  t.ok(await clock.until(() => isAwake))
  t.is(clock.now(), 1000 + 3_600_000)
})
