// Long runs by name: `npm run soak -- NAME [--seed N] [--count N]`. Each has a short seeded form among
// the tests; this is for nights. Prints the seed of what fails, so that it can be replayed.

import { parseArgs } from 'node:util'

/** @returns whether all went well. */
type Soak = (seed: number, count: number) => Promise<boolean>

const SOAKS: Record<string, () => Promise<Soak>> = {
  members: async () => (await import('./members.ts')).soakMembers,
  sim: async () => (await import('./sim.ts')).soakSim,
  silence: async () => (await import('./silence.ts')).soakSilence
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '2000' } }
})
const load = SOAKS[positionals[0] ?? '']
const seed = Number(values.seed)
const count = Number(values.count)
if (load && Number.isSafeInteger(seed) && Number.isSafeInteger(count) && count > 0) {
  const soak = await load()
  process.exitCode = (await soak(seed, count)) ? 0 : 1
} else {
  const names = Object.keys(SOAKS).join(' | ')
  console.error(`usage: npm run soak -- ${names} [--seed N] [--count N]`)
  process.exitCode = 2
}
