// From what one peer learns to a linked peer that finds it: two real peers on this machine, asked over
// their control sockets. Counted from the call to learn, so the synced write is in it; the other side is
// asked again and again, so the figure includes the last question.

import { Lab, type LabPeer } from '../test/helpers/swarm-lab.ts'
import { cpuTimes, disturbance, median, quantile } from './statistics.ts'

const ROUNDS = 200
const WARM_ROUNDS = 20
/** What the design allows at the median. */
const FOUND_MS_MAX = 10

export async function foundBench(): Promise<void> {
  const lab = new Lab()
  try {
    const topic = lab.topic('found')
    const [a, b] = ['a', 'b'].map((name) => lab.join(name, topic, ['--lan-only'])) as [
      LabPeer,
      LabPeer
    ]
    await Promise.all([a, b].map((peer) => peer.event('lane')))
    await firstFound(a, b)
    const learnMs: number[] = []
    const foundMs: number[] = []
    let before = cpuTimes()
    for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
      if (round === 0) before = cpuTimes()
      const word = `found${round + WARM_ROUNDS}q`
      const startMs = performance.now()
      const learning = a.client.learn({ answer: `entry ${word} of the bench` })
      const learnt = learning.then(() => performance.now() - startMs)
      while ((await b.client.query({ text: word, limit: 1 })).length === 0);
      if (round >= 0) foundMs.push(performance.now() - startMs)
      if (round >= 0) learnMs.push(await learnt)
    }
    const shown = (times: number[]) =>
      `p50 ${median(times).toFixed(1)} ms  p99 ${quantile(times, 0.99).toFixed(1)} ms`
    const isLate = median(foundMs) > FOUND_MS_MAX
    console.log(`\nfrom learn on one peer, ${ROUNDS} times  ${disturbance(before, cpuTimes())}`)
    console.log(`  durable there              ${shown(learnMs)}`)
    console.log(
      `  found on a linked peer     ${shown(foundMs)}${isLate ? ` ABOVE ${FOUND_MS_MAX}` : ''}`
    )
    if (isLate) process.exitCode = 1
  } finally {
    await lab.close()
  }
}

/** Stores open and logs are exchanged a little after the link is up. */
async function firstFound(a: LabPeer, b: LabPeer): Promise<void> {
  for (;;) {
    try {
      await a.client.learn({ answer: 'the first entry' })
      while ((await b.client.query({ text: 'first entry' })).length === 0);
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
