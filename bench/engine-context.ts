// Decode after 8,192 positions beside decode after 128: attention then reads as many bytes of keys and
// values as a small layer has weights. The bound is the time at 128 plus the time to read the further keys
// and values at the memory's bandwidth. Two layers of the 1.1B shape stand for all 22, because the first
// 8,000 positions have to be computed, too.

import { shape1b } from '../src/model/synthetic/spec.ts'
import { CONTEXT_GOAL } from './engine-goals.ts'
import { OurEngine } from './engine-ours.ts'
import { printFigure, readProbe } from './engine-pair.ts'
import { benchModel } from './models.ts'
import { cpuTimes, disturbance } from './statistics.ts'

import type { Choice } from './engine-options.ts'

const NEAR = 128
const FAR = 8192
const LAYERS = 2
const TOKENS = 64

export async function contextRow({ threads, pairs }: Choice): Promise<void> {
  const spec = { ...shape1b, quant: 'Q4_K_M', contextLength: 2 * FAR } as const
  const path = await benchModel({ ...spec, name: 'synthetic two layers', nLayers: LAYERS + 1 })
  const { nKvHeads, headDim } = spec
  const bytes = 2 * 2 * nKvHeads * headDim * LAYERS * (FAR - NEAR)
  // One long prompt per sample: a third of the pairs is what the others take in time.
  const samples = Math.max(3, Math.floor(pairs / 3))
  for (const count of threads) {
    const engine = await OurEngine.open(path, count, undefined, LAYERS)
    const before = cpuTimes()
    const values: number[] = []
    for (let i = 0; i < samples; i++) {
      const read = await readProbe(count)
      const [near, far] = (await engine.decodeMsAt([NEAR, FAR], TOKENS)) as [number, number]
      values.push((near + (bytes / read) * 1000) / far)
    }
    printFigure({
      row: 'decode at 8k: share of the bound',
      of: `1b layer Q4_K_M t=${count}`,
      ...CONTEXT_GOAL,
      values,
      detail: `${samples} samples; ${disturbance(before, cpuTimes())}`
    })
    await engine.close()
  }
}
