// Many sessions at once through the whole pipeline on the native engine: each gets the answer it would
// have had alone, and their steps do run together.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { LocalSwarm } from '../helpers/local-swarm.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'

import type { StepPart } from '../../src/compute/stage.ts'

const { available } = loadKernels()

for (const cuts of [[], [2], [1, 3]]) {
  test(`batching - sessions at once answer as alone, ${cuts.length + 1} stages`, async (t) => {
    const model = await readStageModel(await syntheticModel(t, smallLlama))
    const tables = available.filter((name) => name !== 'scalar')
    const swarm = await LocalSwarm.open(model, cuts, { tables, threads: 2 })
    t.teardown(() => swarm.close())
    const stage = swarm.stages[0]?.stage
    if (stage === undefined) throw new Error('no stage')
    let most = 0
    let mixed = 0
    const together = stage.stepTogether.bind(stage)
    stage.stepTogether = (parts: StepPart[], options) => {
      const sizes = parts.map(({ request }) => request.nTokens)
      most = Math.max(most, parts.length)
      if (sizes.some((size) => size > 1) && sizes.some((size) => size === 1)) mixed++
      return together(parts, options)
    }
    const random = seededRandom(7 + cuts.length)
    const asks = Array.from({ length: 12 }, (_, i) => ({
      ids: Array.from({ length: 1 + below(random, 400) }, () => below(random, 1000)),
      count: 1 + below(random, 20),
      sampling: { ...GREEDY, temperature: below(random, 2), seed: i },
      kvType: (['f16', 'f32', 'q8_0'] as const)[i % 3] as 'f16'
    }))
    const alone = []
    for (const { ids, count, sampling, kvType } of asks) {
      alone.push(await swarm.ask(ids, count, sampling, { kvType }))
    }
    t.is(most, 1)
    const atOnce = await Promise.all(
      asks.map(({ ids, count, sampling, kvType }) => swarm.ask(ids, count, sampling, { kvType }))
    )
    for (const [i, answer] of atOnce.entries()) {
      t.alike([answer.ids, answer.logitsHash], [alone[i]?.ids, alone[i]?.logitsHash], `${i}`)
    }
    t.ok(most >= 3, `at most ${most} parts in a step`)
    // Over several stages tokens are on their way while a chunk is computed.
    if (cuts.length === 0) t.ok(mixed >= 1, `${mixed} steps had prompts and tokens`)
  })
}
