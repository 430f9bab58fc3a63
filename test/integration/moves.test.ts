// A stage that leaves as a user asks it to, in mid-answer: another peer has been given all that the stage was
// given before it goes, however long that is, so that the reader hardly waits.

import test from 'brittle'

import { LossLab } from '../helpers/loss-lab.ts'
import { Lab, REAL, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateRequest } from '../../src/api/service.ts'

/** Far more positions are in the caches than may be computed again while the reader waits. */
const LONG: GenerateRequest = {
  prompt: 'one two three four '.repeat(120),
  maxTokens: 1000,
  sampling: { temperature: 0.8, seed: 7, presencePenalty: 0.5 },
  stop: [],
  kvType: 'f16'
}

const PINS = ['0-0', '1-2', '3-3', '1-2', '3-3']
/** Positions that are computed while the reader waits. */
const REFILL_MAX = 16
/** From the change of routes to the next token, on a machine that is busy with six processes. */
const PAUSE_MS_MAX = 1000

test(
  'moves - each stage but the origin leaves in one long answer: hardly a pause',
  REAL,
  async (t) => {
    const swarm = await LossLab.open(Lab.open(t), PINS, 3)
    const origin = swarm.peers[0] as LabPeer
    const expected = await swarm.undisturbed(swarm.peers[3] as LabPeer, LONG)
    const answer = swarm.ask(origin, LONG)
    const ends: Promise<void>[] = []
    for (const index of [1, 2]) {
      await answer.reached({ tokens: 100 * index })
      const stage = answer.stages[index]
      if (stage === undefined) return t.fail('the answer is over')
      const leaver = swarm.peerOf(stage)
      const ended = leaver.command.ended.then(() => {
        t.absent(
          answer.stages.some(({ peer }) => peer === stage.peer),
          'it went when it could'
        )
      })
      ends.push(ended)
      await leaver.client.stop()
      // The process ends a while later; until then the answer would come near its end.
      await answer.without(stage.peer)
    }
    await Promise.all([answer.ended, ...ends])
    t.absent(answer.error, String(answer.error))
    t.alike(answer.ids, expected.ids, 'nothing lost, nothing doubled')
    t.is(answer.result?.logitsHash, expected.logitsHash)
    const { losses = [] } = answer.result?.timing ?? {}
    t.alike(
      losses.map(({ reason }) => reason.endsWith('hands its layers on')),
      [true, true]
    )
    const refills = answer.events.flatMap(({ event }) => {
      return event.type === 'rerouted' ? [event.refillTokens] : []
    })
    t.comment(JSON.stringify(losses), refills.join())
    t.ok(
      refills.every((tokens) => tokens <= REFILL_MAX),
      refills.join()
    )
    const longestMs = Math.max(0, ...losses.map(({ pauseMs }) => pauseMs))
    t.ok(longestMs < PAUSE_MS_MAX, `${longestMs} ms`)
  }
)
