// Simulated swarms that lose whoever asked, seed after seed (test/sim/attach-run.ts).

import { ATTACH_PHENOMENA, attachRun } from '../sim/attach-run.ts'
import { soakSeeds } from './seeds.ts'

export async function soakAttach(seed: number, count: number): Promise<boolean> {
  return await soakSeeds(seed, count, attachRun, (totals) =>
    ATTACH_PHENOMENA.filter((what) => !totals[what])
  )
}
