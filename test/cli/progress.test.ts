import test from 'brittle'
import type { Clock } from '../../src/base/clock.ts'
import { Progress } from '../../src/cli/progress.ts'

function open(live: boolean) {
  const time = { nowMs: 0 }
  const clock: Clock = {
    now: () => time.nowMs,
    wallMs: () => 0,
    after: () => ({ cancel() {} })
  }
  const written: string[] = []
  const progress = new Progress((text) => written.push(text), clock, live)
  return { time, written, progress }
}

test('progress - a terminal is redrawn at most ten times a second', (t) => {
  const { time, written, progress } = open(true)
  for (let i = 0; i < 1000; i++) {
    time.nowMs = i
    progress.update('loading', i, 2000)
  }
  t.is(written.length, 10)
})

test('progress - the end is always drawn', (t) => {
  const { written, progress } = open(true)
  progress.update('loading', 1, 100)
  progress.update('loading', 100, 100)
  t.ok(written.at(-1)?.endsWith(`[${'#'.repeat(24)}] 100 %`))
})

test('progress - a log gets a line every five seconds and at each new step', (t) => {
  const { time, written, progress } = open(false)
  for (let i = 0; i < 10_000; i += 100) {
    time.nowMs = i
    progress.update(i < 5000 ? 'loading' : 'starting', i, 20_000)
  }
  t.alike(written, ['loading 0 %\n', 'starting 25 %\n'])
})

test('progress - clearing removes what was drawn, once', (t) => {
  const { written, progress } = open(true)
  progress.clear()
  t.is(written.length, 0)
  progress.update('loading')
  progress.clear()
  progress.clear()
  t.alike(written, ['\r\u001b[Kloading ...', '\r\u001b[K'])
})
