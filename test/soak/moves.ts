// Simulated swarms whose stages leave as planned in mid-answer, seed after seed (test/sim/recovery-run.ts).

import { MOVES_PHENOMENA, recoveryRun } from '../sim/recovery-run.ts'
import { soakSeeds } from './seeds.ts'

export async function soakMoves(seed: number, count: number): Promise<boolean> {
  const run = (options: { seed: number }) => recoveryRun({ ...options, isMoving: true })
  return await soakSeeds(seed, count, run, (totals) =>
    MOVES_PHENOMENA.filter((what) => !totals[what])
  )
}
