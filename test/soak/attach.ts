// Simulated swarms that lose whoever asked, seed after seed (test/sim/attach-run.ts).

import { systemClock } from '../../src/base/clock.ts'
import { ATTACH_PHENOMENA, attachRun } from '../sim/attach-run.ts'
import { addCounts } from '../sim/sim-run.ts'

const PROGRESS_MS = 10_000

export async function soakAttach(seed: number, count: number): Promise<boolean> {
  const totals: Record<string, number> = {}
  let failures = 0
  let toldMs = systemClock.now()
  for (let next = seed; next < seed + count; next++) {
    const report = await attachRun({ seed: next })
    addCounts(totals, report)
    if (report.problems.length > 0) {
      failures++
      console.log(`seed ${next}: ${report.problems.join('; ')}`)
    }
    if (systemClock.now() - toldMs > PROGRESS_MS) {
      toldMs = systemClock.now()
      console.log(`${next - seed + 1} of ${count} runs, ${failures} failed`)
    }
  }
  console.log(JSON.stringify(totals))
  const missing = ATTACH_PHENOMENA.filter((what) => count >= 100 && !totals[what])
  if (missing.length > 0) console.log(`never happened: ${missing.join(', ')}`)
  console.log(`${count} runs from seed ${seed}, ${failures} failed`)
  return failures === 0 && missing.length === 0
}
