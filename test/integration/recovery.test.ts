// A stage that goes in the middle of an answer, in every way a process can go: the answer goes on with the
// same words, over others that hold the layers, or over the same peer when it is back.

import test, { type Test } from 'brittle'

import { LossLab, WAYS, type WatchedAnswer } from '../helpers/loss-lab.ts'
import { until } from '../helpers/until.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateRequest, GenerateResult } from '../../src/api/service.ts'
import type { RouteStage } from '../../src/wire/session.ts'

const QUESTION: GenerateRequest = {
  prompt: 'one two',
  maxTokens: 600,
  sampling: { temperature: 0.8, seed: 7, presencePenalty: 0.5 },
  stop: [],
  kvType: 'f16'
}

const LONG: GenerateRequest = {
  prompt: 'one two three four '.repeat(1000),
  maxTokens: 8,
  sampling: { temperature: 0 },
  stop: [],
  kvType: 'f16'
}

/** The layers of the middle and of the last stage are held twice. The first peer asks. */
const PINS = ['0-0', '1-2', '3-3', '1-2', '3-3']
/** A stage that nobody replaces is missed within the silence limit of a busy machine. */
const TOLD_MS_MAX = 2500

async function setUp(t: Test, pins = PINS): Promise<{ swarm: LossLab; origin: LabPeer }> {
  const swarm = await LossLab.open(Lab.open(t), pins, 3)
  return { swarm, origin: swarm.peers[0] as LabPeer }
}

function stageOf(answer: WatchedAnswer, index: number): RouteStage {
  return answer.stages[index] as RouteStage
}

function isUndisturbed(t: Test, answer: WatchedAnswer, expected: GenerateResult): void {
  t.absent(answer.error, String(answer.error))
  t.is(answer.result?.logitsHash, expected.logitsHash)
  t.alike(answer.ids, expected.ids, 'nothing lost, nothing doubled')
  t.is(answer.result?.text, expected.text)
}

const LONG_RUN = { timeout: 300_000 }

test(
  'recovery - a stage is killed, frozen or stopped in mid-answer: the same words go on',
  LONG_RUN,
  async (t) => {
    const { swarm, origin } = await setUp(t)
    const expected = await swarm.undisturbed(origin, QUESTION)
    for (const way of WAYS) {
      // The last stage answers the origin, the middle one does not: it matters to who is told of the loss.
      for (const index of way === 'killed' ? [1, 2] : [2]) {
        const answer = swarm.ask(origin, QUESTION)
        await answer.reached({ tokens: 60 })
        const stage = stageOf(answer, index)
        const lost = swarm.peerOf(stage)
        const lostMs = swarm.lose(lost, way)
        await answer.ended
        isUndisturbed(t, answer, expected)
        t.comment(JSON.stringify(answer.pause(lostMs)), answer.reasons.join('; '))
        t.absent(answer.stages.some(({ peer }) => peer === stage.peer))
        t.is(answer.result?.timing.losses.length, 1)
        await swarm.bringBack(lost, way)
        await swarm.idle()
      }
    }
  }
)

test('recovery - a stage is killed while it reads a long prompt', REAL, async (t) => {
  const { swarm, origin } = await setUp(t)
  // Asked by another: the prompt must not be known already where it is asked again.
  const expected = await swarm.undisturbed(swarm.peers[3] as LabPeer, LONG)
  const answer = swarm.ask(origin, LONG)
  await answer.reached({ chunks: 4 })
  const lostMs = swarm.lose(swarm.peerOf(stageOf(answer, 1)), 'killed')
  await answer.ended
  isUndisturbed(t, answer, expected)
  t.ok(answer.pause(lostMs))
  t.comment(JSON.stringify(answer.pause(lostMs)), answer.reasons.join('; '))
})

test('recovery - a frozen stage that wakes in mid-answer says nothing into it', REAL, async (t) => {
  const { swarm, origin } = await setUp(t)
  const question = { ...QUESTION, maxTokens: 2000 }
  const expected = await swarm.undisturbed(origin, question)
  const answer = swarm.ask(origin, question)
  await answer.reached({ tokens: 60 })
  const frozen = swarm.peerOf(stageOf(answer, 1))
  swarm.lose(frozen, 'frozen')
  await until(() => answer.stages.every(({ peer }) => peer !== swarm.keyOf(frozen)))
  frozen.command.signal('SIGCONT')
  const before = answer.ids.length
  await answer.ended
  isUndisturbed(t, answer, expected)
  t.ok(answer.ids.length - before > 500, 'it woke in time')
  await swarm.idle()
})

test('recovery - one loss after the other', REAL, async (t) => {
  const { swarm, origin } = await setUp(t)
  const question = { ...QUESTION, maxTokens: 1000 }
  const expected = await swarm.undisturbed(origin, question)
  const answer = swarm.ask(origin, question)
  for (const index of [1, 2]) {
    await answer.reached({ tokens: 100 * index })
    swarm.lose(swarm.peerOf(stageOf(answer, index)), 'killed')
  }
  await answer.ended
  isUndisturbed(t, answer, expected)
  t.is(answer.result?.timing.losses.length, 2)
})

test('recovery - layers that nobody else holds are waited for', REAL, async (t) => {
  const { swarm, origin } = await setUp(t, ['0-0', '1-2', '3-3'])
  const expected = await swarm.undisturbed(origin, QUESTION)
  for (const way of ['killed', 'frozen'] as const) {
    const answer = swarm.ask(origin, QUESTION)
    await answer.reached({ tokens: 60 })
    const lost = swarm.peerOf(stageOf(answer, 1))
    const lostMs = swarm.lose(lost, way)
    await until(() => answer.reasons.some((reason) => reason.startsWith('layers 1-2 are held by')))
    const toldMs = performance.now() - lostMs
    t.comment(`told after ${toldMs.toFixed(0)} ms: ${answer.reasons.join('; ')}`)
    t.ok(toldMs < TOLD_MS_MAX, `${toldMs.toFixed(0)} ms`)
    await swarm.bringBack(lost, way)
    await answer.ended
    isUndisturbed(t, answer, expected)
    t.is(answer.stages[1]?.peer, swarm.keyOf(lost))
  }
})

test(
  'recovery - the command line tells of a loss in one line beside the answer',
  REAL,
  async (t) => {
    const { swarm, origin } = await setUp(t)
    const expected = await swarm.undisturbed(origin, {
      ...QUESTION,
      maxTokens: 800,
      sampling: { temperature: 0.8, seed: 7 }
    })
    const flags = ['-p', 'one two', '-n', '800', '--temp', '0.8', '--seed', '7']
    const argv = ['generate', '--data-dir', origin.dataDir, ...flags]
    const command = swarm.lab.start(argv)
    await command.until(() => command.stdout.length > 300)
    swarm.lose(await swarm.computing(origin, 1), 'killed')
    const { status, stdout, stderr } = await command.ended
    t.is(status, 0)
    t.is(stdout.trimEnd(), expected.text.trimEnd())
    t.ok(
      /^\S+ \([0-9a-f]{8}\) is out; layers 1-2 go on over \S+ \([0-9a-f]{8}\)\n800 tok/.test(
        stderr
      ),
      stderr
    )
  }
)
