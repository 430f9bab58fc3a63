// The predicted speed of a model (src/compute/forecast.ts), on made-up rates.

import test from 'brittle'
import { forecast, typesOf, withDisk, type TypeRates } from '../../src/compute/forecast.ts'
import { measure } from '../../src/compute/measure.ts'
import { shape1b, smallQwen2 } from '../../src/model/synthetic/spec.ts'
import { readStageModel, syntheticModel } from '../helpers/stage-model.ts'

import type { ModelTensor } from '../../src/model/tensors.ts'
import type { SupportedType } from '../../src/model/tensor-types.ts'

const GIGA = 1e9

function matrix(role: ModelTensor['role'], layer: number, rows: number, cols: number): ModelTensor {
  const place = { role, layer, rows, cols, name: `${role}.${layer}`, offsetBytes: 0 }
  return { ...place, type: 12, sizeBytes: ((rows * cols) / 256) * 144 }
}

const TENSORS = [
  matrix('tokenEmbedding', -1, 32_000, 2048),
  { ...matrix('attnNorm', 0, 1, 2048), type: 0 },
  matrix('attnQ', 0, 10_000, 25_600),
  matrix('output', -1, 10_000, 25_600)
]
const rates = new Map<SupportedType, TypeRates>([
  ['Q4_K', { decode: 64 * GIGA, prefill: 256 * GIGA }]
])

test('forecast - layers on disk take as long as they are read', (t) => {
  const inMemory = { decodeTokensPerSecond: 20, prefillTokensPerSecond: 300, bytesPerToken: 1e9 }
  t.alike(withDisk(inMemory, 0, 1e9, 128), inMemory)
  t.alike(withDisk(inMemory, 5e8, 0, 128), inMemory, 'a disk that nobody has measured')
  t.alike(withDisk(inMemory, 5e8, 1e9, 128), {
    decodeTokensPerSecond: 2,
    prefillTokensPerSecond: 256,
    bytesPerToken: 1e9
  })
  t.alike(withDisk(inMemory, 1e7, 1e9, 128), inMemory, 'one that keeps up')
})

test('forecast - a token takes the weights of its matrices, the head included, at their rate', (t) => {
  const { decodeTokensPerSecond, prefillTokensPerSecond, bytesPerToken } = forecast(
    TENSORS,
    1,
    rates
  )
  // 2 x 256 million weights are 8 ms; the layer and the token cost 0.945 ms more.
  t.is((1000 / decodeTokensPerSecond).toFixed(3), '8.945')
  t.is((1000 / prefillTokensPerSecond).toFixed(2), '1.00')
  t.is(bytesPerToken, 2 * 144_000_000)
})

test('forecast - a tied embedding is the head, an untied one costs nothing', async (t) => {
  const untied = forecast(TENSORS, 1, rates).bytesPerToken
  const tied = TENSORS.filter(({ role }) => role !== 'output')
  t.is(untied - forecast(tied, 1, rates).bytesPerToken, 144_000_000 - (32_000 * 2048 * 144) / 256)
  const { tensors } = await readStageModel(await syntheticModel(t, smallQwen2))
  t.ok(forecast(tensors, 4, new Map()).bytesPerToken === 0, 'nothing is measured, nothing counted')
})

test('forecast - the types to measure are those of the matrices', async (t) => {
  const spec = {
    ...shape1b,
    dim: 256,
    hiddenDim: 768,
    nLayers: 8,
    nHeads: 4,
    nKvHeads: 2,
    vocabSize: 1024
  }
  const { tensors } = await readStageModel(await syntheticModel(t, spec))
  t.alike(typesOf(tensors).toSorted(), ['Q4_K', 'Q6_K'])
})

test('measure - every meter gives a rate, its best not below its mean', async (t) => {
  const rates = await measure(
    [
      { meter: 'read' },
      { meter: 'int8' },
      { meter: 'float' },
      { meter: 'multiply', type: 'Q4_K', nTokens: 1 },
      { meter: 'multiply', type: 'F16', nTokens: 7 }
    ],
    { threads: 2, seconds: 0.01 }
  )
  t.is(rates.length, 5)
  for (const { best, mean } of rates) t.ok(best >= mean && mean > 1e6, `${best} ${mean}`)
})
