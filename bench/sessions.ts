// What sessions share: a prompt whose first 1,000 tokens another session had (cold and repeated in turn,
// so that whatever else the machine does reaches both; the claim is the median of the pairs' ratios),
// tokens of several sessions in one step beside one after the other, what the caches hold, and what a
// stream feels of another's long prompt.

import { parseArgs } from 'node:util'

import { loadKernels } from '../src/compute/addon.ts'
import { defaultThreads } from '../src/compute/threads.ts'
import { demoModelSpec, shape1b } from '../src/model/synthetic/spec.ts'
import { LocalSwarm } from '../test/helpers/local-swarm.ts'
import { GREEDY } from '../test/helpers/run-stages.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'
import { benchModel } from './models.ts'
import { cutOf } from './pipeline.ts'
import { PLACES, fairness } from './sessions-fair.ts'
import { median, spread } from './statistics.ts'

import type { NativeStage } from '../src/compute/native-stage.ts'

const PREFIX_TOKENS = 1000
const TAIL_TOKENS = 1
const SESSIONS = [2, 4, 8, 16]
const STEPS = 12

export async function sessionsBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      pairs: { type: 'string', default: '5' },
      prompt: { type: 'string', default: '4000' },
      part: { type: 'string', default: 'shared,fair' },
      places: { type: 'string', default: PLACES.join() },
      small: { type: 'boolean', default: false }
    }
  })
  const pairs = Number(values.pairs)
  const parts = values.part.split(',')
  const spec = values.small ? demoModelSpec : shape1b
  const path = await benchModel({ ...spec, quant: 'Q4_K_M' })
  const threads = defaultThreads()
  console.log(`${spec.name}, Q4_K_M; our kernels: ${loadKernels().table}, ${threads} threads`)
  if (parts.includes('fair')) {
    const places = values.places.split(',')
    await fairness(path, cutOf(spec.nLayers), Number(values.prompt), places)
  }
  if (!parts.includes('shared')) return
  const model = await readStageModel(path)
  for (const cuts of [[], [7, 15].filter((cut) => cut < model.hyper.nLayers)]) {
    const swarm = await LocalSwarm.open(model, cuts, { threads })
    await repeatedPrefix(swarm, pairs)
    const [only] = swarm.stages
    if (cuts.length === 0 && only !== undefined) await together(only.stage)
    await swarm.close()
  }
}

async function repeatedPrefix(swarm: LocalSwarm, pairs: number): Promise<void> {
  const ratios: number[] = []
  const [cold, warm]: [number[], number[]] = [[], []]
  for (let pair = 0; pair < pairs; pair++) {
    const ids = Array.from(
      { length: PREFIX_TOKENS + TAIL_TOKENS },
      (_, i) => (i * 31 + pair) % 4000
    )
    const first = await swarm.ask(ids, 1, GREEDY)
    const prefix = { session: first.session, tokens: PREFIX_TOKENS }
    const again = await swarm.ask([...ids.slice(0, PREFIX_TOKENS), 17], 1, GREEDY, { prefix })
    if (again.keptTokens !== PREFIX_TOKENS) console.log(`only ${again.keptTokens} were taken over`)
    cold.push(first.firstMs)
    warm.push(again.firstMs)
    ratios.push(again.firstMs / first.firstMs)
  }
  console.log(
    `${PREFIX_TOKENS} tokens and ${TAIL_TOKENS} more over ${swarm.stages.length} stages: first token after ` +
      `${median(cold).toFixed(0)} ms cold, ${median(warm).toFixed(0)} ms repeated, ` +
      `${(100 * median(ratios)).toFixed(2)} % (${spread(ratios.map((ratio) => 100 * ratio))})`
  )
}

/** Tokens/s of all sessions in one step each time, beside one session's steps in turn. */
async function together(stage: NativeStage): Promise<void> {
  const range = { start: 0, end: stage.nLayers }
  for (const count of SESSIONS) {
    const parts = Array.from({ length: count }, () => {
      const cache = stage.openCache(range, 2 * STEPS + 1, 'f16')
      return { cache, sampler: stage.openSampler(GREEDY) }
    })
    const requests = (at: number) =>
      parts.map(({ cache, sampler }, i) => {
        const ids = Int32Array.of(i + at)
        return { request: { cache, sampler, range, position: cache.length, nTokens: 1, ids } }
      })
    const [one, all]: [number[], number[]] = [[], []]
    for (let at = 0; at < STEPS; at++) {
      let aloneUs = 0
      for (const { request } of requests(at)) aloneUs += (await stage.step(request)).computeUs
      const [outcome] = await stage.stepTogether(requests(at))
      if (outcome === undefined || 'error' in outcome) throw outcome?.error
      one.push((count * 1e6) / aloneUs)
      all.push((count * 1e6) / outcome.result.computeUs)
    }
    const kvBytes = parts.reduce((sum, { cache }) => sum + cache.heldBytes, 0)
    console.log(
      `${count} sessions: ${median(all).toFixed(1)} tokens/s together, ${median(one).toFixed(1)} in turn, ` +
        `${median(all.map((rate, i) => rate / (one[i] as number))).toFixed(2)} times; ` +
        `caches hold ${(kvBytes / 2 ** 20).toFixed(0)} MiB`
    )
    for (const { cache } of parts) cache.close()
  }
}
