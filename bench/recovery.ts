// How long an answer pauses when its middle stage goes: killed or frozen while another peer holds the layers,
// and killed while nobody else does and the same peer starts again. Real processes on loopback; the time is
// that of whoever reads the tokens, from the signal to the next one.

import { sleep, systemClock } from '../src/base/clock.ts'
import { LossLab, type Pause, type Way } from '../test/helpers/loss-lab.ts'
import { Lab, type LabPeer } from '../test/helpers/swarm-lab.ts'
import { cpuTimes, disturbance, median, quantile } from './statistics.ts'

import type { GenerateRequest } from '../src/api/service.ts'
import type { RouteStage } from '../src/wire/session.ts'

/** The promises: with another holder, on loopback. */
const PROMISED: Partial<Record<string, { median?: number; p95: number }>> = {
  killed: { median: 300, p95: 700 },
  frozen: { p95: 1000 }
}
/** Above the detection of a silent loss. */
const FROZEN_MORE_MS = 250
/** A link's heartbeats are relied on after a second; a loss within it is noticed after 1.5 s. */
const TRUSTED_MS = 1500
const TWICE = ['0-0', '1-2', '3-3', '1-2']
const ONCE = ['0-0', '1-2', '3-3']

export async function recoveryBench(args: string[]): Promise<void> {
  const roundsAt = args.indexOf('--rounds')
  const rounds = roundsAt >= 0 ? Number(args[roundsAt + 1]) : 20
  console.log(`small llama, 4 layers over three peers on loopback, ${rounds} losses each`)
  const columns = ['loss', 'noticed', 'other route', 'filled + token', 'pause: median', '95 %']
  console.log(columns.map((name, i) => name.padEnd(i === 0 ? 26 : 16)).join(''))
  const before = cpuTimes()
  await within(TWICE, async (swarm) => {
    const killed = await pausesOf(swarm, 'killed', rounds)
    show('killed, held twice', killed, 'killed')
    const frozen = await pausesOf(swarm, 'frozen', rounds)
    show('frozen, held twice', frozen, 'frozen')
    const moreMs = quantile(
      frozen.map(({ totalMs, detectMs }) => totalMs - detectMs),
      0.95
    )
    const missed = moreMs <= FROZEN_MORE_MS ? '' : ` ABOVE ${FROZEN_MORE_MS}`
    console.log(`  beyond noticing it, 95 % within ${moreMs.toFixed(0)} ms${missed}`)
  })
  await within(ONCE, async (swarm) => {
    show('killed, starts again', await pausesOf(swarm, 'killed', Math.ceil(rounds / 4)), '')
  })
  console.log(disturbance(before, cpuTimes()))
}

async function within(pins: string[], work: (swarm: LossLab) => Promise<void>): Promise<void> {
  const lab = new Lab()
  try {
    await work(await LossLab.open(lab, pins, 3))
  } finally {
    await lab.close()
  }
}

/** The middle stage goes in mid-answer, and is back before the next question. */
async function pausesOf(swarm: LossLab, way: Way, rounds: number): Promise<Pause[]> {
  const [origin] = swarm.peers as [LabPeer]
  const pauses: Pause[] = []
  while (pauses.length < rounds) {
    const answer = swarm.ask(origin, question(pauses.length))
    await answer.reached({ tokens: 100 })
    const lost = swarm.peerOf(answer.stages[1] as RouteStage)
    const lostMs = swarm.lose(lost, way)
    const isHeldTwice = swarm.peers.length > answer.stages.length
    if (isHeldTwice) await answer.ended
    await swarm.bringBack(lost, way)
    await answer.ended
    await sleep(systemClock, TRUSTED_MS)
    const pause = answer.pause(lostMs)
    if (pause === null) throw answer.error ?? new Error('the answer did not notice the loss')
    pauses.push(pause)
  }
  return pauses
}

function question(seed: number): GenerateRequest {
  const sampling = { temperature: 0.8, seed }
  return { prompt: 'one two', maxTokens: 1500, sampling, stop: [], kvType: 'f16' }
}

function show(name: string, pauses: readonly Pause[], promise: string): void {
  const of = (part: keyof Pause) => pauses.map((pause) => pause[part])
  const parts = (['detectMs', 'rerouteMs', 'refillMs'] as const).map((part) => median(of(part)))
  const middle = median(of('totalMs'))
  const p95 = quantile(of('totalMs'), 0.95)
  const promised = PROMISED[promise]
  const above = (value: number, most = Infinity) => (value <= most ? '' : ` ABOVE ${most}`)
  const cells = [
    ...parts.map((value) => `${value.toFixed(0)} ms`),
    `${middle.toFixed(0)} ms${above(middle, promised?.median)}`,
    `${p95.toFixed(0)} ms${above(p95, promised?.p95)}`
  ]
  console.log(name.padEnd(26) + cells.map((cell) => cell.padEnd(16)).join(''))
}
