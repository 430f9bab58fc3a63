// Promise 2: the same bits on one stage or several, whatever the kernel tables, thread counts and
// prompt chunks, for every architecture and number format.

import test, { type Test } from 'brittle'
import { seededRandom, below } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { shippedModelPath } from '../../src/cli/shipped-model.ts'
import type { StageModel } from '../../src/compute/native-config.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { SUPPORTED_TYPES } from '../../src/model/tensor-types.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { GREEDY, runStages, type Part, type RunOptions } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

const { available } = loadKernels()

/** The scalar table computes in every one, on machines that are busy with others. */
const SLOW = { timeout: 180_000 }

/** Every way to cut `nLayers` into one to three consecutive ranges. */
function cuts(nLayers: number): number[][] {
  const all: number[][] = [[]]
  for (let a = 1; a < nLayers; a++) {
    all.push([a])
    for (let b = a + 1; b < nLayers; b++) all.push([a, b])
  }
  return all
}

function ids(count: number, vocab: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => below(random, vocab))
}

/** Runs every split, each stage with the next of the tables and thread counts; all must agree. */
async function sameEverywhere(t: Test, model: StageModel, options: RunOptions): Promise<void> {
  // The scalar table takes longest by far; how threads share work is no table's own.
  const ways = available.flatMap((table) =>
    (table === 'scalar' ? [1] : [1, 3]).map((threads) => ({ table, threads }))
  )
  const stages = await Promise.all(ways.map((way) => wholeStage(t, model, way)))
  const { nLayers } = model.hyper
  const whole = { start: 0, end: nLayers }
  const expected = await runStages([{ stage: stages[0] as Part['stage'], range: whole }], options)
  t.ok(new Set(expected.ids).size > 2, `${new Set(expected.ids).size} different tokens`)
  for (const stage of stages.slice(1)) {
    t.alike(await runStages([{ stage, range: whole }], options), expected)
  }
  let next = 0
  for (const cut of cuts(nLayers)) {
    const bounds = [0, ...cut, nLayers]
    const parts = cut.concat(0).map((_, i) => ({
      stage: stages[next++ % stages.length] as Part['stage'],
      range: { start: bounds[i] as number, end: bounds[i + 1] as number }
    }))
    t.alike(await runStages(parts, options), expected, `cut at ${cut.join(' and ')}`)
  }
  for (const chunkTokens of [1, 7, 64]) {
    const parts = [{ stage: stages[next++ % stages.length] as Part['stage'], range: whole }]
    t.alike(
      await runStages(parts, { ...options, chunkTokens }),
      expected,
      `chunks of ${chunkTokens}`
    )
  }
}

for (const type of ['F32', 'F16', 'Q8_0', 'Q4_0']) {
  dataTest(
    `splits - stories260K ${type}: every cut, table and chunk gives the same bits`,
    SLOW,
    async (t) => {
      const model = await readStageModel(dataPath('stories260K', `stories260K-${type}.gguf`))
      await sameEverywhere(t, model, { promptIds: [1, ...ids(80, 512, 4)], nTokens: 24 })
    }
  )
}

const specs: SyntheticSpec[] = [
  ...SUPPORTED_TYPES.map((quant) => ({ ...smallLlama, name: quant, quant, pure: true })),
  { ...smallLlama, name: 'Q4_K_M', quant: 'Q4_K_M' },
  { ...smallQwen2, name: 'qwen2 Q5_K_M', quant: 'Q5_K_M' },
  { ...smallQwen3, name: 'qwen3 Q3_K_M', quant: 'Q3_K_M' },
  { ...oddLlama, name: 'odd Q2_K', quant: 'Q2_K' },
  { ...oddLlama, name: 'odd Q4_K_M, tied, yarn', quant: 'Q4_K_M', tied: true }
]

for (const [i, spec] of specs.entries()) {
  const name = `${spec.architecture} ${spec.name}`
  test(`splits - ${name}: every cut, table and chunk gives the same bits`, SLOW, async (t) => {
    const model = await readStageModel(await syntheticModel(t, { ...spec, seed: i + 1 }))
    const sampling = i % 2 === 0 ? GREEDY : { ...GREEDY, temperature: 0.9, topP: 0.95, seed: i }
    await sameEverywhere(t, model, {
      promptIds: ids(70, model.hyper.vocabSize, i),
      nTokens: 12,
      kvType: i % 3 === 0 ? 'f32' : 'f16',
      sampling
    })
  })
}

test(
  'splits - a context beyond one partial sum of positions gives the same bits',
  SLOW,
  async (t) => {
    const model = await readStageModel(await syntheticModel(t, smallLlama))
    await sameEverywhere(t, model, { promptIds: ids(450, model.hyper.vocabSize, 3), nTokens: 8 })
  }
)

test(
  'splits - the model that comes with swarm answers the same wherever it is cut',
  SLOW,
  async (t) => {
    const model = await readStageModel(shippedModelPath())
    // A stretch of its vocabulary: whether it is a sensible question does not matter here.
    const promptIds = ids(40, model.hyper.vocabSize, 11)
    await sameEverywhere(t, model, { promptIds, nTokens: 10 })
  }
)
