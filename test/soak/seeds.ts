// Simulated runs, seed after seed: prints the seed of each that fails, how far it is now and then, and at
// the end what was counted.

import { systemClock } from '../../src/base/clock.ts'
import { addCounts, type SimReport } from '../sim/sim-run.ts'

const PROGRESS_MS = 10_000
/** So many runs see everything that can happen. */
const RUNS_ENOUGH = 100

/** @param missing what never happened, by the totals. @returns whether all held, and all happened. */
export async function soakSeeds(
  seed: number,
  count: number,
  run: (options: { seed: number }) => Promise<SimReport>,
  missing: (totals: Record<string, number>) => string[]
): Promise<boolean> {
  const totals: Record<string, number> = {}
  let failures = 0
  let toldMs = systemClock.now()
  for (let next = seed; next < seed + count; next++) {
    const report = await run({ seed: next })
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
  const never = count >= RUNS_ENOUGH ? missing(totals) : []
  if (never.length > 0) console.log(`never happened: ${never.join(', ')}`)
  console.log(`${count} runs from seed ${seed}, ${failures} failed`)
  return failures === 0 && never.length === 0
}
