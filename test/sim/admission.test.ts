import test from 'brittle'

import { decodeSessionMessage, encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { admissionRun } from './admission-run.ts'
import { addCounts } from './sim-run.ts'

import type { SessionMessage } from '../../src/wire/session.ts'
import type { Tamper } from '../helpers/sim-network.ts'

const RUNS = 30

test(
  'sim - whoever waits for room gets it in turn, seed by seed',
  { timeout: 120_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= RUNS; seed++) {
      const report = await admissionRun({ seed })
      addCounts(totals, report)
      if (report.problems.length > 0) t.fail(`seed ${seed}: ${report.problems.join('; ')}`)
    }
    t.comment(JSON.stringify(totals))
    t.ok((totals['answered'] ?? 0) > 5 * RUNS)
    t.ok((totals['queued'] ?? 0) > 5 * RUNS)
    t.ok((totals['cancelled'] ?? 0) > RUNS / 10)
  }
)

test('sim - waiting for room replays to the same end', async (t) => {
  for (const seed of [4, 9]) t.alike(await admissionRun({ seed }), await admissionRun({ seed }))
})

test('sim - canary: with room for all nobody waits', async (t) => {
  const totals: Record<string, number> = {}
  for (let seed = 1; seed <= 8; seed++) {
    addCounts(totals, await admissionRun({ seed, isRoomy: true }))
  }
  t.absent(totals['queued'])
})

/** Changes what is meant of every message. */
function changing(change: (message: SessionMessage) => SessionMessage): Tamper {
  return (frame) => [encodeSessionMessage(change(decodeSessionMessage(frame)))]
}

const PLANTED: Record<string, Tamper> = {
  'a refusal that says nothing of a place': changing((message) => {
    return message.type === 'failed' ? { ...message, place: null } : message
  }),
  'a session that is never given back': (frame) => {
    return decodeSessionMessage(frame).type === 'close' ? [] : [frame]
  }
}

for (const [name, tamper] of Object.entries(PLANTED)) {
  test(`sim - canary: ${name} is found`, async (t) => {
    let found = 0
    for (let seed = 1; seed <= 6; seed++) {
      if ((await admissionRun({ seed, tamper })).problems.length > 0) found++
    }
    t.is(found, 6)
  })
}
