// Simulated swarms that lose stages in mid-answer, seed after seed (test/sim/recovery-run.ts).

import { RECOVERY_PHENOMENA, recoveryRun } from '../sim/recovery-run.ts'
import { soakSeeds } from './seeds.ts'

export async function soakRecovery(seed: number, count: number): Promise<boolean> {
  return await soakSeeds(seed, count, recoveryRun, (totals) =>
    RECOVERY_PHENOMENA.filter((what) => !totals[what])
  )
}
