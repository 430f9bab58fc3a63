// Simulated swarms, seed after seed (test/sim/sim-run.ts).

import { neverHappened, simRun } from '../sim/sim-run.ts'
import { soakSeeds } from './seeds.ts'

export async function soakSim(seed: number, count: number): Promise<boolean> {
  return await soakSeeds(seed, count, simRun, neverHappened)
}
