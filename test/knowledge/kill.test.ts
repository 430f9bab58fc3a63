// The short seeded form of `npm run soak -- store`.

import test from 'brittle'

import { killRun } from './store/kill-run.ts'

const ROUNDS = 6

test(
  'kill - a process killed in mid-append leaves a store with all it acknowledged',
  { timeout: 300_000 },
  async (t) => {
    const report = await killRun(t, 1, ROUNDS, [await t.tmp(), await t.tmp()])
    t.alike(report.problems, [])
    t.is(report.rounds, ROUNDS)
    t.ok(report.acknowledged > ROUNDS, `${report.acknowledged} acknowledged`)
  }
)
