import test from 'brittle'

import { addCounts, neverHappened, simRun } from './sim-run.ts'

import type { Tamper } from '../helpers/sim-network.ts'

const FIRST_SEED = 1
const RUNS = 60

test(
  'sim - whole swarms with faults keep every promise, seed by seed',
  { timeout: 120_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      const report = await simRun({ seed })
      addCounts(totals, report)
      if (report.problems.length > 0) {
        t.fail(`npm run soak -- sim --seed ${seed} --count 1: ${report.problems.join('; ')}`)
      }
    }
    t.alike(neverHappened(totals), [], JSON.stringify(totals))
  }
)

test('sim - a seed replays to the same end', async (t) => {
  for (const seed of [3, 8, 21]) t.alike(await simRun({ seed }), await simRun({ seed }))
})

test('sim - canary: without delays and faults it is noticed', async (t) => {
  const totals: Record<string, number> = {}
  for (let seed = 1; seed <= 12; seed++) addCounts(totals, await simRun({ seed, isCalm: true }))
  const missing = neverHappened(totals)
  for (const what of ['failed', 'crashes', 'cuts', 'lost']) t.ok(missing.includes(what), what)
})

// Type byte of an activation frame and of a token, and the size of an activation's header.
const ACTIVATION = 4
const TOKEN = 6
const HEADER_BYTES = 32

/** Every so many frames of one type, does something to one. */
function every(count: number, type: number, damage: (frame: Uint8Array) => Uint8Array[]): Tamper {
  let seen = 0
  return (frame) => {
    if (frame[0] !== type) return [frame]
    seen++
    return seen % count === 0 ? damage(frame) : [frame]
  }
}

const PLANTED: [string, () => Tamper][] = [
  ['an activation that gets lost', () => every(20, ACTIVATION, () => [])],
  ['an activation that comes twice', () => every(20, ACTIVATION, (frame) => [frame, frame])],
  ['one wrong bit of an activation', () => every(20, ACTIVATION, (frame) => [flipped(frame)])],
  ['a token that gets lost', () => every(9, TOKEN, () => [])],
  ['a token that comes twice', () => every(9, TOKEN, (frame) => [frame, frame])]
]

function flipped(frame: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(frame)
  copy[HEADER_BYTES + 5] = (copy[HEADER_BYTES + 5] as number) ^ 1
  return copy
}

for (const [name, tamper] of PLANTED) {
  test(`sim - canary: ${name} is found`, async (t) => {
    let found = 0
    for (let seed = 1; seed <= 12; seed++) {
      const { problems } = await simRun({ seed, tamper: tamper() })
      if (problems.length > 0) found++
    }
    t.ok(found >= 6, `in ${found} of 12 runs`)
  })
}
