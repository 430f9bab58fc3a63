import test from 'brittle'

import { decodeSessionMessage, encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { RECOVERY_PHENOMENA, recoveryRun } from './recovery-run.ts'
import { addCounts } from './sim-run.ts'

import type { SessionMessage } from '../../src/wire/session.ts'
import type { Tamper } from '../helpers/sim-network.ts'

const RUNS = 80

test(
  'sim - answers survive the loss of any stage, token for token, seed by seed',
  { timeout: 120_000 },
  async (t) => {
    const totals: Record<string, number> = {}
    for (let seed = 1; seed <= RUNS; seed++) {
      const report = await recoveryRun({ seed })
      addCounts(totals, report)
      if (report.problems.length > 0) {
        t.fail(`npm run soak -- recovery --seed ${seed} --count 1: ${report.problems.join('; ')}`)
      }
    }
    for (const what of RECOVERY_PHENOMENA) t.ok((totals[what] ?? 0) > 0, `${what}: ${totals[what]}`)
    t.ok((totals['refilled'] ?? 0) > RUNS / 2, JSON.stringify(totals))
  }
)

test('sim - a recovery replays to the same end', async (t) => {
  for (const seed of [4, 9]) t.alike(await recoveryRun({ seed }), await recoveryRun({ seed }))
})

test('sim - canary: without losses nothing is repaired', async (t) => {
  const totals: Record<string, number> = {}
  for (let seed = 1; seed <= 8; seed++) addCounts(totals, await recoveryRun({ seed, isCalm: true }))
  for (const what of ['rerouted', 'refilled', 'crashes', 'lost']) t.absent(totals[what], what)
})

/** Does something to every so many of the messages that are meant. */
class Damage {
  /** Messages that were damaged. */
  count = 0
  readonly tamper: Tamper

  constructor([every, isMeant, change]: Planted) {
    let seen = 0
    this.tamper = (frame) => {
      const message = decodeSessionMessage(frame)
      if (!isMeant(message) || ++seen % every !== 0) return [frame]
      this.count++
      return change(message).map(encodeSessionMessage)
    }
  }
}

type Planted = [
  every: number,
  isMeant: (message: SessionMessage) => boolean,
  change: (message: SessionMessage) => SessionMessage[]
]

const isActivation = ({ type }: SessionMessage) => type === 'activation'
/** Of positions that a stage gets again. */
const isRefill = (message: SessionMessage) =>
  message.type === 'activation' && message.epoch > 1 && !message.sample
const isReopened = (message: SessionMessage) => message.type === 'opened' && message.epoch > 1

function flipped(message: SessionMessage): SessionMessage[] {
  if (message.type !== 'activation') return [message]
  const payload = Uint8Array.from(message.payload)
  payload[payload.length >> 1] = (payload[payload.length >> 1] as number) ^ 1
  return [{ ...message, payload }]
}

/** A stage that says it has positions that it lacks. */
function boastful(message: SessionMessage): SessionMessage[] {
  if (message.type !== 'opened') return [message]
  return [{ ...message, cachedTokens: message.cachedTokens + 2 }]
}

function keepsMore(message: SessionMessage): SessionMessage[] {
  if (message.type !== 'opened') return [message]
  return [{ ...message, keptStart: 0, keptEnd: message.cachedTokens + 2 }]
}

const PLANTED: Record<string, Planted> = {
  'an activation that gets lost': [30, isActivation, () => []],
  'an activation that comes twice': [30, isActivation, (one) => [one, one]],
  'a token that comes twice': [9, ({ type }) => type === 'token', (one) => [one, one]],
  'one wrong bit of a replay': [1, isRefill, flipped],
  'a stage that lacks what it says it has': [1, isReopened, boastful],
  'a stage that kept less than it says': [1, isReopened, keepsMore]
}

for (const [name, planted] of Object.entries(PLANTED)) {
  test(`sim - canary: in a recovery ${name} is found`, async (t) => {
    let [found, damaged] = [0, 0]
    for (let seed = 1; seed <= 36; seed++) {
      const damage = new Damage(planted)
      const { problems } = await recoveryRun({ seed, tamper: damage.tamper })
      if (damage.count > 0) damaged++
      if (problems.length > 0) found++
    }
    t.ok(damaged >= 6 && found >= damaged / 2, `${found} of ${damaged} damaged runs`)
  })
}

/** Of every link, what was sent in one epoch comes once more before each message of a later one. */
function haunted(counts: { ghosts: number }): Tamper {
  const early = new Map<string, { epoch: number; frame: Uint8Array }>()
  return (frame, from, to) => {
    const message = decodeSessionMessage(frame)
    if (message.type !== 'activation' && message.type !== 'token') return [frame]
    const name = `${from} ${to} ${message.session} ${message.type}`
    const first = early.get(name)
    if (first === undefined) early.set(name, { epoch: message.epoch, frame: frame.slice() })
    if (first === undefined || first.epoch >= message.epoch) return [frame]
    counts.ghosts++
    return [first.frame, frame]
  }
}

test('sim - what a stage of an older epoch still says changes nothing', async (t) => {
  const counts = { ghosts: 0 }
  for (let seed = 1; seed <= 30; seed++) {
    const { problems } = await recoveryRun({ seed, tamper: haunted(counts) })
    if (problems.length > 0) t.fail(`seed ${seed}: ${problems.join('; ')}`)
  }
  t.ok(counts.ghosts > 100, `${counts.ghosts} ghosts`)
})
