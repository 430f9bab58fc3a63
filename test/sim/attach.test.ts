import test from 'brittle'

import { ATTACH_PHENOMENA, attachRun } from './attach-run.ts'
import { addCounts } from './sim-run.ts'

const RUNS = 100

test(
  'sim - an answer survives whoever asked for it: another member finishes it, token for token',
  { timeout: 120_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= RUNS; seed++) {
      const report = await attachRun({ seed })
      addCounts(totals, report)
      if (report.problems.length > 0) {
        t.fail(`npm run soak -- attach --seed ${seed} --count 1: ${report.problems.join('; ')}`)
      }
    }
    for (const what of ATTACH_PHENOMENA) t.ok((totals[what] ?? 0) > 0, `${what}: ${totals[what]}`)
    t.ok((totals['taken over'] ?? 0) > RUNS / 2, JSON.stringify(totals))
  }
)

test('sim - an attachment replays to the same end', async (t) => {
  for (const seed of [4, 9]) t.alike(await attachRun({ seed }), await attachRun({ seed }))
})

test('sim - canary: without a loss nobody attaches, and a log with another id shows', async (t) => {
  const calm: Record<string, number> = {}
  let shown = 0
  for (let seed = 1; seed <= 8; seed++) {
    addCounts(calm, await attachRun({ seed, isCalm: true }))
    shown += (await attachRun({ seed, isForged: true })).problems.length
  }
  for (const what of ['attached', 'crashes', 'lost']) t.absent(calm[what], what)
  t.ok(shown > 0)
})
