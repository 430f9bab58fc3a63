import test from 'brittle'

import { RECOVERY_PHENOMENA, recoveryRun } from './recovery-run.ts'
import { addCounts } from './sim-run.ts'

const RUNS = 80

test(
  'sim - answers survive the loss of any stage, token for token, seed by seed',
  { timeout: 120_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= RUNS; seed++) {
      const report = await recoveryRun({ seed })
      addCounts(totals, report)
      if (report.problems.length > 0) {
        t.fail(`npm run soak -- recovery --seed ${seed} --count 1: ${report.problems.join('; ')}`)
      }
    }
    for (const what of RECOVERY_PHENOMENA) t.ok((totals[what] ?? 0) > 0, `${what}: ${totals[what]}`)
    t.ok((totals['refilled'] ?? 0) > RUNS / 2, JSON.stringify(totals))
  }
)

test('sim - a recovery replays to the same end', async (t) => {
  for (const seed of [4, 9]) t.alike(await recoveryRun({ seed }), await recoveryRun({ seed }))
})

test('sim - canary: without losses nothing is repaired', async (t) => {
  const totals: Record<string, number> = {}
  for (let seed = 1; seed <= 8; seed++) addCounts(totals, await recoveryRun({ seed, isCalm: true }))
  for (const what of ['rerouted', 'refilled', 'crashes', 'lost']) t.absent(totals[what], what)
})
