// Long runs by name: `npm run soak -- NAME [--seed N] [--count N]`, of some also `--minutes N`. Each has a
// short seeded form among the tests; this is for nights. Prints the seed of what fails, to replay it.

import { parseArgs } from 'node:util'

/** @returns whether all went well. */
type Soak = (seed: number, count: number) => Promise<boolean>

/** Each with how many runs, frames per codec or seconds it makes unless told otherwise. */
const SOAKS: Record<string, { count: number; load: () => Promise<Soak> }> = {
  attach: { count: 2000, load: async () => (await import('./attach.ts')).soakAttach },
  churn: { count: 3600, load: async () => (await import('./churn.ts')).soakChurn },
  frames: { count: 1_000_000, load: async () => (await import('./frames.ts')).soakFrames },
  gguf: { count: 50_000, load: async () => (await import('./gguf.ts')).soakGguf },
  kills: { count: 100, load: async () => (await import('./kills.ts')).soakKills },
  links: { count: 600, load: async () => (await import('./links.ts')).soakLinks },
  members: { count: 2000, load: async () => (await import('./members.ts')).soakMembers },
  moves: { count: 20_000, load: async () => (await import('./moves.ts')).soakMoves },
  plan: { count: 100_000, load: async () => (await import('./plan.ts')).soakPlan },
  recovery: { count: 20_000, load: async () => (await import('./recovery.ts')).soakRecovery },
  silence: { count: 2000, load: async () => (await import('./silence.ts')).soakSilence },
  sim: { count: 2000, load: async () => (await import('./sim.ts')).soakSim },
  store: { count: 100, load: async () => (await import('./store.ts')).soakStore }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string' },
    minutes: { type: 'string' }
  }
})
const chosen = SOAKS[positionals[0] ?? '']
const seed = Number(values.seed)
const countsSeconds = ['churn', 'links'].includes(positionals[0] ?? '')
const minutes = values.minutes === undefined ? undefined : 60 * Number(values.minutes)
const isMeant = minutes === undefined || countsSeconds
const count = Number(values.count ?? minutes ?? chosen?.count)
if (chosen && isMeant && Number.isSafeInteger(seed) && Number.isSafeInteger(count) && count > 0) {
  const soak = await chosen.load()
  process.exitCode = (await soak(seed, count)) ? 0 : 1
} else {
  const names = Object.keys(SOAKS).join(' | ')
  console.error(
    `usage: npm run soak -- ${names} [--seed N] [--count N]; churn and links: [--minutes N]`
  )
  process.exitCode = 2
}
