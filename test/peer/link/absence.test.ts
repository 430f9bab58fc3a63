import test from 'brittle'

import { AWAY_MS, Absence } from '../../../src/peer/link/absence.ts'
import { LIMIT_MOST_MS } from '../../../src/peer/link/jitter.ts'
import { SILENCE_LIMIT_MS, TICK_MS } from '../../../src/peer/link/silence.ts'

test('absence - ordinary ticks and short stalls are none', (t) => {
  const absence = new Absence(0, 1e12)
  let nowMs = 0
  for (const stepMs of [TICK_MS, 300, 1500, AWAY_MS, TICK_MS]) {
    nowMs += stepMs
    t.absent(absence.tick(nowMs, 1e12 + nowMs), `${stepMs} ms`)
  }
})

test('absence - a leap of either clock is one, and is told once', (t) => {
  for (const [nowMs, wallMs] of [
    [60_000, 1e12 + 60_000],
    [TICK_MS, 1e12 + 60_000],
    [60_000, 1e12 + TICK_MS]
  ] as const) {
    const absence = new Absence(0, 1e12)
    t.ok(absence.tick(nowMs, wallMs))
    t.absent(absence.tick(nowMs + TICK_MS, wallMs + TICK_MS))
  }
})

test('absence - a wall clock that is turned back is none', (t) => {
  const absence = new Absence(0, 1e12)
  t.absent(absence.tick(TICK_MS, 1e12 - 3_600_000))
})

test('absence - who was away for less may not have been given up yet', (t) => {
  t.ok(AWAY_MS >= LIMIT_MOST_MS && AWAY_MS >= SILENCE_LIMIT_MS)
})
