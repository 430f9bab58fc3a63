// Model files as training/export.py writes them, computed by our engine and by llama.cpp, against torch
// with the very numbers of the file. The weights are random: what is tested is names, shapes, rotation,
// number formats and norms, not wisdom.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'brittle'
import { LlamaEngine, llamaMissing } from '../../bench/llama.ts'
import { openModel } from '../helpers/trained-model.ts'
import { pythonTest, type Python } from './python.ts'

// Root mean square differences; the logits themselves have one of about 0.8.
/** What is left is the order of sums. */
const F32_TOLERANCE = 1e-5
/**
 * Both engines round activations to 8 bits, which torch does not. Observed: Q8_0 0.014 to 0.018 and
 * Q6_K 0.024 to 0.028, ours and llama.cpp's alike.
 */
const QUANTISED_TOLERANCE = 0.05

interface Reference {
  prompt: string
  ids: number[]
  answer: number[]
  margins: number[]
  logits: number[]
}

async function exported(t: Test, python: Python, size: string, quant: string) {
  const folder = await t.tmp()
  const path = join(folder, 'model.gguf')
  const json = join(folder, 'reference.json')
  const to = ['--file', path, '--reference', json]
  python('training/export.py', '--untrained', size, '--quant', quant, ...to)
  return { path, references: JSON.parse(readFileSync(json, 'utf8')) as Reference[] }
}

function rmsDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < b.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2
  return Math.sqrt(sum / b.length)
}

const CASES: [size: string, quant: string, tolerance: number][] = [
  ['sentinel-nano', 'F32', F32_TOLERANCE],
  ['sentinel-nano', 'Q8_0', QUANTISED_TOLERANCE],
  ['sentinel-base', 'Q6_K', QUANTISED_TOLERANCE]
]

for (const [size, quant, tolerance] of CASES) {
  pythonTest(
    `export - ${size} as ${quant} has the logits of torch`,
    ['torch', 'numpy'],
    async (t, python) => {
      const { path, references } = await exported(t, python, size, quant)
      const model = await openModel(t, path)
      t.ok(references.length > 8)
      for (const { ids, logits } of references) {
        const ours = await model.logits(ids)
        t.is(ours.length, logits.length)
        const off = rmsDifference(ours, logits)
        t.ok(off < tolerance, `off by ${off.toExponential(2)}`)
      }
    }
  )
}

pythonTest(
  'export - llama.cpp reads the file and has the logits of torch',
  ['torch', 'numpy'],
  async (t, python) => {
    const { path, references } = await exported(t, python, 'sentinel-nano', 'F32')
    const llama = await LlamaEngine.open(path, { threads: 1, contextTokens: 512, kvType: 'F32' })
    t.teardown(() => llama.close())
    for (const { ids, logits } of references.slice(0, 4)) {
      const rows = await llama.logits(ids, logits.length)
      const off = rmsDifference(rows.at(-1) as Float32Array, logits)
      t.ok(off < F32_TOLERANCE, `off by ${off.toExponential(2)}`)
    }
  },
  llamaMissing()
)
