import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { readNpy, readSingles } from '../helpers/npy.ts'
import { loadReference, referenceLogits } from '../helpers/reference-forward.ts'

// Worst difference seen: 9.5e-7 against the float64 oracle, which is stored as f32, and 4.9e-6
// against llama.cpp, which computes in f32.
const ORACLE_TOLERANCE = 2e-6
const LLAMA_CPP_TOLERANCE = 1e-5

interface Prompt {
  prompt_ids: number[]
}

const IDS = [1, 300, 700, 512, 999, 301, 44, 700]

async function logitsOf(folder: string, spec: SyntheticSpec): Promise<Float64Array[]> {
  const path = join(folder, 'model.gguf')
  await writeSyntheticModel(path, spec)
  return referenceLogits(await loadReference(path), IDS)
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)))
  }
  return largest
}

dataTest('reference forward - equals the oracles of a real trained model', {}, async (t) => {
  const greedy = JSON.parse(
    readFileSync(dataPath('stories260K', 'oracle', 'greedy.json'), 'utf8')
  ) as { prompts: Prompt[] }
  const model = await loadReference(dataPath('stories260K', 'stories260K-F32.gguf'))
  t.is(greedy.prompts.length, 7)
  for (const [index, { prompt_ids: ids }] of greedy.prompts.entries()) {
    const stem = dataPath('stories260K', 'oracle', `p${index}`)
    const { shape, values } = readNpy(`${stem}.prompt_logits.f32.npy`)
    const logits = referenceLogits(model, ids)
    t.alike(shape, [ids.length, 512])
    const flat = logits.flatMap((row) => [...row])
    const difference = largestDifference(flat, values)
    const ours = logits.at(-1) as Float64Array
    const llamaCpp = largestDifference(ours, readSingles(`${stem}.llamacpp_last_logits.f32.bin`))
    t.comment(`prompt ${index}: oracle ${difference}, llama.cpp ${llamaCpp}`)
    t.ok(difference < ORACLE_TOLERANCE, `prompt ${index}: ${difference}`)
    t.ok(llamaCpp < LLAMA_CPP_TOLERANCE, `prompt ${index}: ${llamaCpp}`)
  }
})

test('reference forward - generated models give finite logits that differ', async (t) => {
  const folder = await t.tmp()
  for (const spec of [smallLlama, smallQwen2, smallQwen3, oddLlama]) {
    for (const row of await logitsOf(folder, spec)) {
      t.ok(row.every(Number.isFinite), spec.name)
      const sorted = row.toSorted((a, b) => b - a)
      t.ok(new Set(row).size > row.length * 0.9, `${spec.name} has distinct logits`)
      t.ok((sorted[0] as number) - (sorted[500] as number) > 1, `${spec.name} prefers some tokens`)
    }
  }
})

test('reference forward - every part of a model changes the answer', async (t) => {
  const folder = await t.tmp()
  const variants: [string, SyntheticSpec][] = [
    ['linear', { ...smallLlama, ropeScaling: { type: 'linear', factor: 2 } }],
    ['base', { ...smallLlama, ropeBase: 500 }],
    ['frequencies', { ...smallLlama, ropeFreqs: true }],
    [
      'llama3',
      {
        ...smallLlama,
        ropeScaling: {
          type: 'llama3',
          factor: 8,
          lowFreqFactor: 1,
          highFreqFactor: 4,
          originalContext: 256
        }
      }
    ],
    [
      'yarn',
      {
        ...smallLlama,
        ropeScaling: {
          type: 'yarn',
          factor: 4,
          originalContext: 128,
          attnFactor: 1,
          betaFast: 32,
          betaSlow: 1,
          extFactor: 1
        }
      }
    ],
    ['seed', { ...smallLlama, seed: 2 }]
  ]
  const seen: Float64Array[] = [(await logitsOf(folder, smallLlama)).at(-1) as Float64Array]
  for (const [name, spec] of variants) {
    const row = (await logitsOf(folder, spec)).at(-1) as Float64Array
    t.ok(
      seen.every((other) => largestDifference(row, other) > 1e-3),
      `${name} differs from all others`
    )
    seen.push(row)
  }
})

test('reference forward - a position sees only what came before', async (t) => {
  const path = join(await t.tmp(), 'model.gguf')
  await writeSyntheticModel(path, smallQwen3)
  const model = await loadReference(path)
  const whole = referenceLogits(model, IDS)
  const part = referenceLogits(model, IDS.slice(0, 3))
  t.alike(whole.slice(0, 3), part)
})
