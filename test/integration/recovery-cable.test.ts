// Machines of their own, each with one cable to a switch: the cable of a stage is pulled in mid-answer, the
// swarm is cut in two between its switches, the only machine with some layers is cut off and comes back. The
// answer goes on with the same words, whoever is cut off gives up, and then all are one swarm again.

import test, { type Test } from 'brittle'

import { LossLab, type WatchedAnswer } from '../helpers/loss-lab.ts'
import { Net, type Host } from '../helpers/net/namespaces.ts'
import { agreedPlan, Lab, type LabPeer } from '../helpers/swarm-lab.ts'
import { until } from '../helpers/until.ts'

import type { GenerateRequest, GenerateResult } from '../../src/api/service.ts'
import type { RouteStage } from '../../src/wire/session.ts'

const QUESTION: GenerateRequest = {
  prompt: 'one two',
  maxTokens: 1500,
  sampling: { temperature: 0.8, seed: 7 },
  stop: [],
  kvType: 'f16'
}

const LONG_RUN = { timeout: 300_000 }

/** Hosts at two switches with a cable between them. */
class Room {
  readonly swarm: LossLab
  readonly #net: Net
  readonly #switches: readonly [Host, Host]
  readonly #nNear: number

  /** @param pins of those at the first switch, where the origin is, and of those at the second one. */
  static async open(t: Test, near: string[], far: string[], nStages: number): Promise<Room | null> {
    const net = Net.open(t)
    if (typeof net === 'string') {
      t.comment(`skipped: ${net}`)
      return null
    }
    const hosts = [...near, ...far].map(() => net.host())
    const plugs = hosts.map((host, index) => ({ host, ipv4: `10.81.0.${index + 1}/24` }))
    const switches = [
      net.bridge(plugs.slice(0, near.length)),
      net.bridge(plugs.slice(near.length))
    ] as const
    net.trunk(...switches, 'trunk')
    const places = hosts.map(({ inside }) => ({ prefix: inside }))
    const swarm = await LossLab.open(Lab.open(t), [...near, ...far], nStages, { places })
    return new Room(swarm, net, switches, near.length)
  }

  private constructor(swarm: LossLab, net: Net, switches: readonly [Host, Host], nNear: number) {
    this.swarm = swarm
    this.#net = net
    this.#switches = switches
    this.#nNear = nNear
  }

  get origin(): LabPeer {
    return this.swarm.peers[0] as LabPeer
  }

  /** The cable of one peer, at the switch. @returns when. */
  cable(peer: LabPeer, isIn: boolean): number {
    const index = this.swarm.peers.indexOf(peer)
    const isNear = index < this.#nNear
    const port = `to${isNear ? index : index - this.#nNear}`
    this.#net.plug(this.#switches[isNear ? 0 : 1], port, isIn)
    return performance.now()
  }

  /** The cable between the switches. @returns when. */
  trunk(isIn: boolean): number {
    this.#net.plug(this.#switches[0], 'trunk', isIn)
    return performance.now()
  }
}

function isUndisturbed(t: Test, answer: WatchedAnswer, expected: GenerateResult): void {
  t.absent(answer.error, String(answer.error))
  t.alike(answer.ids, expected.ids, 'nothing lost, nothing doubled')
  t.is(answer.result?.logitsHash, expected.logitsHash)
  t.is(answer.result?.text, expected.text)
}

function tell(t: Test, answer: WatchedAnswer, lostMs: number): void {
  t.ok(answer.pause(lostMs), 'in mid-answer')
  t.comment(JSON.stringify(answer.pause(lostMs)), answer.reasons.join('; '))
}

test('recovery - the cable of a stage is pulled in mid-answer', LONG_RUN, async (t) => {
  const room = await Room.open(t, ['0-0', '1-2', '3-3'], ['1-2', '3-3'], 3)
  if (room === null) return
  const { swarm, origin } = room
  const expected = await swarm.undisturbed(origin, QUESTION)
  for (const index of [1, 2]) {
    const answer = swarm.ask(origin, QUESTION)
    await answer.reached({ tokens: 60 })
    const stage = answer.stages[index] as RouteStage
    const lost = swarm.peerOf(stage)
    const lostMs = room.cable(lost, false)
    await answer.ended
    isUndisturbed(t, answer, expected)
    tell(t, answer, lostMs)
    t.absent(answer.stages.some(({ peer }) => peer === stage.peer))
    room.cable(lost, true)
    await swarm.met()
    await swarm.idle()
  }
})

test('recovery - the swarm is cut in two in mid-answer, and whole again', LONG_RUN, async (t) => {
  const room = await Room.open(t, ['0-0', '1-3'], ['0-0', '1-3'], 2)
  if (room === null) return
  const { swarm, origin } = room
  const expected = await swarm.undisturbed(origin, QUESTION)
  const other = swarm.peers[2] as LabPeer
  // At least one of the two is answered over the cable that is cut, and both parts can go on by themselves.
  const answers = [origin, other].map((peer) => swarm.ask(peer, QUESTION))
  await Promise.all(answers.map((answer) => answer.reached({ tokens: 60 })))
  const lostMs = room.trunk(false)
  await Promise.all(answers.map(({ ended }) => ended))
  for (const answer of answers) isUndisturbed(t, answer, expected)
  t.ok(
    answers.some((answer) => answer.pause(lostMs)),
    'in mid-answer'
  )
  for (const answer of answers)
    t.comment(JSON.stringify(answer.pause(lostMs)), answer.reasons.join('; '))
  const apart = [swarm.ask(origin, QUESTION), swarm.ask(other, QUESTION)]
  await Promise.all(apart.map(({ ended }) => ended))
  for (const answer of apart) isUndisturbed(t, answer, expected)
  room.trunk(true)
  await swarm.met()
  await swarm.idle()
  await agreedPlan(swarm.peers, 2)
  const whole = swarm.ask(origin, QUESTION)
  await whole.ended
  isUndisturbed(t, whole, expected)
})

test('recovery - what only a machine that is cut off holds is waited for', LONG_RUN, async (t) => {
  const room = await Room.open(t, ['0-1'], ['2-3'], 2)
  if (room === null) return
  const { swarm, origin } = room
  const expected = await swarm.undisturbed(origin, QUESTION)
  const answer = swarm.ask(origin, QUESTION)
  await answer.reached({ tokens: 60 })
  const lostMs = room.trunk(false)
  await until(() => answer.reasons.some((reason) => reason.startsWith('layers 2-3 are held by')))
  t.comment(
    `told after ${(performance.now() - lostMs).toFixed(0)} ms: ${answer.reasons.join('; ')}`
  )
  room.trunk(true)
  await answer.ended
  isUndisturbed(t, answer, expected)
  await swarm.idle()
})
