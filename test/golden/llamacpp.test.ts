// The native engine beside llama.cpp on the same generated files, both judged by a float64 reference
// that knows neither. Skipped with its reason where llama.cpp is not installed (bench/package.json).

import test, { type Test } from 'brittle'
import { LlamaEngine, llamaMissing } from '../../bench/llama.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { SUPPORTED_TYPES } from '../../src/model/tensor-types.ts'
import { loadReference, referenceLogits } from '../helpers/reference-forward.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

/** F32 weights and F32 keys and values: what is left is the order of sums. */
const F32_TOLERANCE = 1e-4
/** Quantised: activations are rounded to 8 bits on both sides, in blocks of their own choice. */
const ERROR_RATIO_MAX = 3
const SEQUENCES = 2
const SEQUENCE_TOKENS = 250

const missing = llamaMissing()

function llamaTest(name: string, body: (t: Test) => Promise<void>): void {
  if (missing) test.skip(`${name} (${missing})`, body)
  else test(name, { timeout: 180_000 }, body)
}

interface Rows {
  ours: Float32Array[]
  llama: Float32Array[]
  reference: Float64Array[]
}

async function evaluate(t: Test, spec: SyntheticSpec, lengths: number[]): Promise<Rows[]> {
  const path = await syntheticModel(t, spec)
  const model = await readStageModel(path)
  const { vocabSize, nLayers } = model.hyper
  const range = { start: 0, end: nLayers }
  const stage = await wholeStage(t, model, { threads: 2 })
  const reference = await loadReference(path)
  const llama = await LlamaEngine.open(path, { threads: 1, contextTokens: 512, kvType: 'F32' })
  t.teardown(() => llama.close())
  const random = seededRandom(spec.seed)
  const all: Rows[] = []
  for (const nTokens of lengths) {
    const ids = Array.from({ length: nTokens }, () => below(random, vocabSize))
    const logits = new Float32Array(nTokens * vocabSize)
    const cache = stage.openCache(range, nTokens, 'f32')
    await stage.step({ cache, range, position: 0, nTokens, ids: Int32Array.from(ids), logits })
    cache.close()
    all.push({
      ours: ids.map((_, p) => logits.subarray(p * vocabSize, (p + 1) * vocabSize)),
      llama: await llama.logits(ids, vocabSize),
      reference: referenceLogits(reference, ids)
    })
  }
  return all
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0
  for (let i = 0; i < a.length; i++) {
    worst = Math.max(worst, Math.abs((a[i] as number) - (b[i] as number)))
  }
  return worst
}

function squaredDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2
  return sum
}

function best(row: ArrayLike<number>): { id: number; margin: number } {
  let id = 0
  let second = -Infinity
  for (let i = 1; i < row.length; i++) {
    if ((row[i] as number) > (row[id] as number)) {
      second = row[id] as number
      id = i
    } else second = Math.max(second, row[i] as number)
  }
  return { id, margin: (row[id] as number) - second }
}

const yarn = {
  type: 'yarn',
  factor: 4,
  originalContext: 128,
  attnFactor: 1,
  betaFast: 32,
  betaSlow: 1,
  extFactor: 1
} as const

const exact: SyntheticSpec[] = [
  smallLlama,
  smallQwen2,
  smallQwen3,
  { ...oddLlama, name: 'llama with rope_freqs and odd widths' },
  { ...smallLlama, name: 'llama with a tied head', tied: true },
  { ...smallLlama, name: 'llama with biases', biases: true },
  { ...smallLlama, name: 'llama with linear scaling', ropeScaling: { type: 'linear', factor: 2 } },
  { ...smallLlama, name: 'llama with YaRN', ropeScaling: yarn },
  { ...smallQwen3, name: 'qwen3 with YaRN', ropeScaling: yarn }
]

for (const [i, spec] of exact.entries()) {
  llamaTest(`llama.cpp - last-position logits of ${spec.name}, F32, are within 1e-4`, async (t) => {
    const rows = await evaluate(
      t,
      { ...spec, quant: 'F32', pure: true, seed: i + 1 },
      [1, 7, 64, 200]
    )
    for (const { ours, llama, reference } of rows) {
      const last = ours.at(-1) as Float32Array
      const difference = largestDifference(last, llama.at(-1) as Float32Array)
      t.ok(difference < F32_TOLERANCE, `${ours.length} tokens: ${difference.toExponential(2)}`)
      t.ok(largestDifference(last, reference.at(-1) as Float64Array) < F32_TOLERANCE)
      t.ok(new Set(last).size > 100)
    }
  })
}

for (const quant of SUPPORTED_TYPES.filter((type) => type !== 'F32')) {
  llamaTest(
    `llama.cpp - ${quant}: our error is at most 3 times its own, top-1 where decided`,
    async (t) => {
      const lengths = Array.from({ length: SEQUENCES }, () => SEQUENCE_TOKENS)
      const rows = await evaluate(t, { ...smallLlama, quant, pure: true, seed: 5 }, lengths)
      let ourSum = 0
      let llamaSum = 0
      let decided = 0
      let wrong = 0
      for (const { ours, llama, reference } of rows) {
        for (const [p, truth] of reference.entries()) {
          const our = ours[p] as Float32Array
          const their = llama[p] as Float32Array
          ourSum += squaredDifference(our, truth)
          llamaSum += squaredDifference(their, truth)
          const { id, margin } = best(truth)
          if (margin <= 2 * largestDifference(their, truth)) continue
          decided++
          if (best(our).id !== id) wrong++
        }
      }
      const ratio = Math.sqrt(ourSum / llamaSum)
      t.ok(ratio <= ERROR_RATIO_MAX, `our error is ${ratio.toFixed(2)} of llama.cpp's`)
      t.is(wrong, 0, `top-1 is right at all of ${decided} decided positions`)
      t.ok(decided > 100, `${decided} of ${SEQUENCES * SEQUENCE_TOKENS} positions are decided`)
    }
  )
}
