// Planned moves in simulated swarms: stages that say that they leave are replaced beside the answer that
// runs, while other peers may be lost at any message. A canary damages what stages are warmed with.

import test from 'brittle'

import { decodeSessionMessage, encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { MOVES_PHENOMENA, recoveryRun } from './recovery-run.ts'
import { addCounts } from './sim-run.ts'

import type { Tamper } from '../helpers/sim-network.ts'

const RUNS = 60

test(
  'sim - answers go over to other stages when theirs leave, token for token, seed by seed',
  { timeout: 120_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= RUNS; seed++) {
      const report = await recoveryRun({ seed, isMoving: true })
      addCounts(totals, report)
      if (report.problems.length > 0) {
        t.fail(`npm run soak -- moves --seed ${seed} --count 1: ${report.problems.join('; ')}`)
      }
    }
    for (const what of MOVES_PHENOMENA) t.ok((totals[what] ?? 0) > 0, `${what}: ${totals[what]}`)
    t.ok((totals['movedAtOnce'] ?? 0) > RUNS / 4, JSON.stringify(totals))
  }
)

test('sim - a run of moves replays to the same end', async (t) => {
  const run = () => recoveryRun({ seed: 4, isMoving: true })
  t.alike(await run(), await run())
})

test('sim - canary: one wrong bit in what a stage is warmed with is found', async (t) => {
  let [found, damaged] = [0, 0]
  for (let seed = 1; seed <= 48; seed++) {
    const counts = { damaged: 0 }
    const { problems } = await recoveryRun({ seed, isMoving: true, tamper: flips(counts) })
    if (counts.damaged > 0) damaged++
    if (problems.length > 0) found++
  }
  t.ok(damaged >= 6 && found >= damaged / 2, `${found} of ${damaged} damaged runs`)
})

/** Of the frames that a stage sends to a peer that warms up, each has one bit of one value turned. */
function flips(counts: { damaged: number }): Tamper {
  const warming = new Set<string>()
  return (frame) => {
    const message = decodeSessionMessage(frame)
    if (message.type === 'warm') warming.add(`${message.session} ${message.toEpoch}`)
    if (message.type !== 'activation') return [frame]
    if (!warming.has(`${message.session} ${message.epoch}`)) return [frame]
    counts.damaged++
    const payload = Uint8Array.from(message.payload)
    const at = payload.length >> 1
    payload[at] = (payload[at] as number) ^ 1
    return [encodeSessionMessage({ ...message, payload })]
  }
}
