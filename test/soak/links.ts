// Links between real processes in calm and in bad weather (200 ms of jitter, 5 % loss), for ten minutes: none
// may go down. At the end one process of each group is frozen, and the others have to notice in time.

import { randomBytes } from 'node:crypto'

import { EVEN_JITTER_MS } from '../../src/peer/link/jitter.ts'
import { until } from '../helpers/until.ts'
import { WatchedChild } from '../peer/watched-child.ts'

import type { Weather } from '../helpers/net/relay.ts'

export interface LinksRun {
  seed: number
  peers: number
  weather: Weather
  /** How long the links have to hold, once heartbeats are relied on everywhere. */
  holdMs: number
}

export interface LinksVerdict {
  /** Links that went down while everybody was there. */
  falseVerdicts: number
  /** The worst p99 that a peer saw at the end. */
  jitterMs: number
  /** From the freeze to the last of the others that noticed, and how long that may take. */
  noticedMs: number
  promisedMs: number
}

export async function linksRun({ seed, peers, weather, holdMs }: LinksRun): Promise<LinksVerdict> {
  const topic = `soak ${randomBytes(8).toString('hex')}`
  const children = Array.from(
    { length: peers },
    (_, index) => new WatchedChild({ seed: seed + index, topic, weather })
  )
  const downs = (): number => children.reduce((sum, one) => sum + one.count('link-down'), 0)
  try {
    const linked = (one: WatchedChild): boolean =>
      one.count('link-up') >= peers - 1 && one.count('beats') > 0
    await until(() => children.every(linked))
    const before = downs()
    await new Promise((resolve) => setTimeout(resolve, holdMs))
    const falseVerdicts = downs() - before
    const jitterMs = Math.max(...children.map((one) => one.jitterMs))
    const [frozen, ...others] = children as [WatchedChild, ...WatchedChild[]]
    const counts = others.map((one) => one.count('link-down'))
    const startMs = performance.now()
    frozen.process.kill('SIGSTOP')
    await until(() => others.every((one, i) => one.count('link-down') > (counts[i] as number)))
    const noticedMs = performance.now() - startMs
    return {
      falseVerdicts,
      jitterMs,
      noticedMs,
      promisedMs: jitterMs <= EVEN_JITTER_MS ? 750 : 2000
    }
  } finally {
    for (const child of children) child.end()
  }
}

/** @param count seconds that the links have to hold. */
export async function soakLinks(seed: number, count: number): Promise<boolean> {
  const groups = {
    calm: { seed: seed % 100, peers: 3, weather: {} },
    rough: { seed: (seed % 100) + 100, peers: 3, weather: { jitterMs: 200, loss: 0.05 } }
  }
  const runs = Object.entries(groups).map(async ([name, group]) => {
    const verdict = await linksRun({ ...group, holdMs: count * 1000 })
    const { falseVerdicts, jitterMs, noticedMs, promisedMs } = verdict
    console.log(
      `${name}: ${falseVerdicts} links lost in ${count} s, p99 jitter ${jitterMs.toFixed(0)} ms; ` +
        `a frozen peer noticed after ${noticedMs.toFixed(0)} of ${promisedMs} ms`
    )
    return falseVerdicts === 0 && noticedMs <= promisedMs
  })
  return (await Promise.all(runs)).every(Boolean)
}
