// Membership of whole swarms, seed after seed; the long form is `npm run soak -- members`.

import test from 'brittle'

import { HEAL_MS, membersRun, type MembersOptions } from './members-run.ts'

const SWARMS: [name: string, options: Omit<MembersOptions, 'seed'>, nSeeds: number][] = [
  ['two', { nPeers: 2, unlinkableShare: 0, resentShare: 0.1 }, 10],
  ['three', { nPeers: 3, unlinkableShare: 0, resentShare: 0.1 }, 20],
  ['eight', { nPeers: 8, unlinkableShare: 0, resentShare: 0.1 }, 20],
  [
    'eight, a third of the pairs never linked',
    { nPeers: 8, unlinkableShare: 0.33, resentShare: 0.1 },
    20
  ],
  [
    'sixteen, half of the pairs never linked',
    { nPeers: 16, unlinkableShare: 0.5, resentShare: 0.2 },
    5
  ],
  ['sixty-four', { nPeers: 64, unlinkableShare: 0.1, resentShare: 0.1 }, 2]
]

for (const [name, options, nSeeds] of SWARMS) {
  test(`members - ${name}: nobody is falsely dead, crashes and partitions are known and heal`, (t) => {
    let [knownMs, healedMs] = [0, 0]
    for (let seed = 1; seed <= nSeeds; seed++) {
      const report = membersRun({ ...options, seed })
      if (report.problems.length > 0) t.fail(`seed ${seed}: ${report.problems[0]}`)
      if (report.nDead === 0 || report.nSuspect === 0) t.fail(`seed ${seed}: nothing happened`)
      if (options.nPeers > 2 && report.nRefuted === 0) t.fail(`seed ${seed}: nobody refuted`)
      knownMs = Math.max(knownMs, report.crashKnownMs)
      healedMs = Math.max(healedMs, report.healedMs)
    }
    t.comment(`crashes known within ${knownMs} ms, partitions healed within ${healedMs} ms`)
    t.ok(healedMs < HEAL_MS)
  })
}

test('members - the same seed gives the same run', (t) => {
  const options = { nPeers: 9, unlinkableShare: 0.3, resentShare: 0.1 }
  t.alike(membersRun({ ...options, seed: 5 }), membersRun({ ...options, seed: 5 }))
  const other = membersRun({ ...options, seed: 6 })
  t.not(membersRun({ ...options, seed: 5 }).nMessages, other.nMessages)
})

test('members - the canary: where messages take a minute the promises break', (t) => {
  const report = membersRun({ nPeers: 16, unlinkableShare: 0.5, resentShare: 0.998, seed: 1 })
  t.ok(report.problems.length > 0)
})
