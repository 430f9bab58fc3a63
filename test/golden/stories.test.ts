// A real trained model against oracles that know nothing of this engine: a float64 reference, and the
// text that llama2.c's own test expects.

import { readFileSync } from 'node:fs'
import { loadKernels } from '../../src/compute/addon.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { readNpy } from '../helpers/npy.ts'
import { GREEDY, runStages } from '../helpers/run-stages.ts'
import { readStageModel, wholeStage } from '../helpers/stage-model.ts'

/** Logits against the float64 reference, with f32 keys and values; measured: 7.7e-6. */
const LOGITS_TOLERANCE = 1e-4
/** Below this distance between the two best logits, rounding may choose the other one. */
const MARGIN_MIN = 1e-3

interface Oracle {
  prompts: {
    prompt_ids: number[]
    greedy: number[]
    steps: { margin: number }[]
    logits_file: string
  }[]
}

const oracle = (): Oracle =>
  JSON.parse(readFileSync(dataPath('stories260K', 'oracle', 'greedy.json'), 'utf8')) as Oracle

const path = (type: string) => dataPath('stories260K', `stories260K-${type}.gguf`)

dataTest(
  'stories260K - logits of every prompt position are within 1e-4 of float64',
  {},
  async (t) => {
    const model = await readStageModel(path('F32'))
    for (const table of loadKernels().available) {
      const stage = await wholeStage(t, model, { table })
      const range = { start: 0, end: stage.nLayers }
      let worst = 0
      for (const { prompt_ids: ids, logits_file: file } of oracle().prompts) {
        const expected = readNpy(dataPath('stories260K', 'oracle', file))
        t.alike(expected.shape, [ids.length, stage.vocabSize])
        const logits = new Float32Array(ids.length * stage.vocabSize)
        const cache = stage.openCache(range, ids.length, 'f32')
        await stage.step({
          cache,
          range,
          position: 0,
          nTokens: ids.length,
          ids: Int32Array.from(ids),
          logits
        })
        logits.forEach((value, i) => {
          worst = Math.max(worst, Math.abs(value - (expected.values[i] as number)))
        })
      }
      t.ok(worst < LOGITS_TOLERANCE, `${table}: largest difference ${worst.toExponential(2)}`)
    }
  }
)

dataTest('stories260K - greedy ids equal the oracle while its margin decides', {}, async (t) => {
  const stage = await wholeStage(t, await readStageModel(path('F32')))
  const parts = [{ stage, range: { start: 0, end: stage.nLayers } }]
  for (const { prompt_ids: promptIds, greedy, steps } of oracle().prompts) {
    const unsure = steps.findIndex(({ margin }) => margin <= MARGIN_MIN)
    const nTokens = unsure < 0 ? greedy.length : unsure
    const { ids } = await runStages(parts, { promptIds, nTokens, kvType: 'f32' })
    t.alike(ids, greedy.slice(0, nTokens))
  }
})

dataTest('stories260K - last-position logits are within 1e-4 of llama.cpp', {}, async (t) => {
  const stage = await wholeStage(t, await readStageModel(path('F32')))
  const range = { start: 0, end: stage.nLayers }
  for (const [i, { prompt_ids: ids }] of oracle().prompts.entries()) {
    const file = dataPath('stories260K', 'oracle', `p${i}.llamacpp_last_logits.f32.bin`)
    const bytes = new Uint8Array(readFileSync(file))
    const expected = new Float32Array(bytes.buffer)
    const logits = new Float32Array(stage.vocabSize)
    const cache = stage.openCache(range, ids.length, 'f32')
    const sampler = stage.openSampler(GREEDY)
    const request = { cache, range, position: 0, nTokens: ids.length, ids: Int32Array.from(ids) }
    await stage.step({ ...request, logits, sampler })
    const worst = logits.reduce(
      (top, l, k) => Math.max(top, Math.abs(l - (expected[k] as number))),
      0
    )
    t.ok(worst < LOGITS_TOLERANCE, `prompt ${i}: ${worst.toExponential(2)}`)
  }
})
