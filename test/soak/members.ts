// Membership of swarms of every size and shape, seed after seed (test/sim/members-run.ts).

import { systemClock } from '../../src/base/clock.ts'
import { below, seededRandom, unit } from '../../src/base/random.ts'
import { membersRun } from '../sim/members-run.ts'

const PROGRESS_MS = 10_000

export async function soakMembers(seed: number, count: number): Promise<boolean> {
  let failures = 0
  let [worstShare, healedMs] = [0, 0]
  let toldMs = systemClock.now()
  for (let next = seed; next < seed + count; next++) {
    const random = seededRandom(next)
    const report = membersRun({
      seed: next,
      nPeers: 2 + below(random, below(random, 16) === 0 ? 63 : 15),
      unlinkableShare: 0.5 * unit(random),
      resentShare: 0.2 * unit(random)
    })
    worstShare = Math.max(worstShare, report.crashKnownMs / report.promisedMs)
    healedMs = Math.max(healedMs, report.healedMs)
    if (report.problems.length > 0) {
      failures++
      console.log(`seed ${next}: ${report.problems.slice(0, 3).join('; ')}`)
    }
    if (systemClock.now() - toldMs < PROGRESS_MS) continue
    toldMs = systemClock.now()
    console.log(`${next - seed + 1} of ${count} runs, ${failures} failed`)
  }
  const share = `${(100 * worstShare).toFixed(0)} % of what is promised`
  console.log(`crashes known within ${share}, partitions healed within ${healedMs} ms`)
  console.log(`${count} runs from seed ${seed}, ${failures} failed`)
  return failures === 0
}
