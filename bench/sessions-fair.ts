// What a stream of tokens feels of another session's long prompt: the gaps between its tokens while 4,000
// are read, beside those while it is alone, on one peer and over two stages in two processes, each on one
// thread. What that costs the prompt is told beside it.

import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { firstLine, start } from './children.ts'
import { quantile } from './statistics.ts'

import type { PipelinePorts } from './pipeline-ends.ts'
import type { FairSample, FairTask } from './sessions-near.ts'

/** What is asked of the 95th percentile of the gaps. */
const GAP_MAX = 2

/** Each takes a minute or two. */
export const PLACES = ['one peer', 'two stages']

/** @param cut the layer at which the second stage begins. @param places of PLACES. */
export async function fairness(
  model: string,
  cut: number,
  promptTokens: number,
  places: string[]
): Promise<void> {
  const far = start('pipeline-far.js', [model, String(cut)])
  const children = [far]
  try {
    const ports = JSON.parse(await firstLine(far)) as PipelinePorts
    const task: FairTask = { model, cut, promptTokens, places, ports }
    const near = start('sessions-near.js', [JSON.stringify(task)])
    children.push(near)
    if (near.stdout === null) throw new Error('the near process has no output')
    let told = 0
    for await (const line of createInterface({ input: near.stdout })) {
      tell(JSON.parse(line) as FairSample, promptTokens)
      if (++told === places.length) break
    }
    if (told < places.length) throw new Error('the fairness of sessions was not measured')
  } finally {
    for (const child of children) child.kill()
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  }
}

function tell(sample: FairSample, promptTokens: number): void {
  const { place, aloneMs, besideMs, promptRate, promptAloneRate } = sample
  const ratio = quantile(besideMs, 0.95) / quantile(aloneMs, 0.95)
  const isMet = ratio <= GAP_MAX
  if (!isMet) process.exitCode = 1
  const of = (gaps: number[]) =>
    `${quantile(gaps, 0.5).toFixed(1)} ms, 95 % within ${quantile(gaps, 0.95).toFixed(1)}, ` +
    `longest ${Math.max(...gaps).toFixed(1)} (${gaps.length})`
  console.log(
    `${place}: from token to token ${of(aloneMs)}\n` +
      `  while another session reads ${promptTokens} tokens ${of(besideMs)}\n` +
      `  ${isMet ? 'met ' : 'MISS'} 95th percentile ${ratio.toFixed(2)} times, asked at most ${GAP_MAX}; ` +
      `the prompt at ${promptRate.toFixed(0)} tokens/s, ` +
      `${promptAloneRate.toFixed(0)} with nobody else`
  )
}
