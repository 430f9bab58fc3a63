import test, { type Test } from 'brittle'
import { SwarmError, type ErrorCode } from '../../src/base/errors.ts'
import { readHyperparameters } from '../../src/model/hyperparameters.ts'
import type { LayerRange } from '../../src/model/layer-range.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { isTied, modelTensors, rangeBytes, type ModelTensor } from '../../src/model/tensors.ts'
import { tensorType } from '../../src/model/tensor-types.ts'
import { changedHeader, type TensorFields } from '../helpers/model-header.ts'

const Q8_K = 15
const IQ4_XS = 23

async function tensorsOf(
  spec: SyntheticSpec,
  tensors?: (tensors: TensorFields[]) => TensorFields[]
): Promise<ModelTensor[]> {
  const gguf = await changedHeader(spec, tensors ? { tensors } : {})
  return modelTensors(gguf, readHyperparameters(gguf))
}

const without = (name: string) => (tensors: TensorFields[]) =>
  tensors.filter((tensor) => tensor.name !== name)

const withOne = (extra: TensorFields) => (tensors: TensorFields[]) => [...tensors, extra]

const changed = (name: string, fields: Partial<TensorFields>) => (tensors: TensorFields[]) =>
  tensors.map((tensor) => (tensor.name === name ? Object.assign({}, tensor, fields) : tensor))

async function refuses(
  t: Test,
  spec: SyntheticSpec,
  change: (tensors: TensorFields[]) => TensorFields[],
  code: ErrorCode,
  message: RegExp
): Promise<void> {
  const error = await tensorsOf(spec, change).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : String(error), code)
  t.ok(message.test(String(error)), String(error))
}

test('tensors - every architecture finds its own', async (t) => {
  const perLayer = { llama: 9, qwen2: 12, qwen3: 11 }
  for (const spec of [smallLlama, smallQwen2, smallQwen3]) {
    const tensors = await tensorsOf(spec)
    t.is(tensors.length, 4 * perLayer[spec.architecture] + (spec.tied ? 2 : 3), spec.name)
    t.is(isTied(tensors), spec.tied)
    t.is(new Set(tensors.map(({ role, layer }) => `${role} ${layer}`)).size, tensors.length)
    t.is(new Set(tensors.map(({ offsetBytes }) => offsetBytes)).size, tensors.length)
  }
})

test('tensors - rows and columns are those of the matrix', async (t) => {
  const tensors = await tensorsOf(smallQwen3)
  const shape = (role: string) => {
    const found = tensors.find((tensor) => tensor.role === role)
    return [found?.rows, found?.cols]
  }
  t.alike(shape('tokenEmbedding'), [1024, 256])
  t.alike(shape('attnQ'), [512, 256])
  t.alike(shape('attnK'), [256, 256])
  t.alike(shape('attnOutput'), [256, 512])
  t.alike(shape('attnQNorm'), [1, 128])
  t.alike(shape('ffnDown'), [256, 768])
  t.alike(shape('outputNorm'), [1, 256])
})

test('tensors - a missing one is refused by name', async (t) => {
  const names = (await tensorsOf(smallQwen2)).map(({ name }) => name)
  t.ok(names.length > 40)
  for (const name of names) {
    await refuses(
      t,
      smallQwen2,
      without(name),
      'MODEL_BAD_TENSOR',
      new RegExp(`'${name}' is missing`)
    )
  }
})

test('tensors - an unknown one is refused by name', async (t) => {
  for (const name of ['blk.4.attn_q.weight', 'blk.0.ffn_gate_inp.weight', 'rope_long.weight']) {
    const extra = { name, typeId: 0, shape: [256] }
    await refuses(t, smallLlama, withOne(extra), 'MODEL_BAD_TENSOR', new RegExp(`'${name}'`))
  }
  const bias = { name: 'blk.0.attn_q.bias', typeId: 0, shape: [512] }
  await refuses(t, smallQwen3, withOne(bias), 'MODEL_BAD_TENSOR', /attn_q\.bias/)
})

test('tensors - optional ones of llama are found', async (t) => {
  const tensors = await tensorsOf({ ...smallLlama, biases: true, ropeFreqs: true }, (tensors) => [
    ...tensors,
    { name: 'blk.1.attn_output.bias', typeId: 0, shape: [256] }
  ])
  const roles = new Set(tensors.map(({ role }) => role))
  for (const role of ['attnQBias', 'attnKBias', 'attnVBias', 'attnOutputBias', 'ropeFreqs']) {
    t.ok(roles.has(role as ModelTensor['role']), role)
  }
})

test('tensors - the llama3 stretching given twice is refused', async (t) => {
  const ropeScaling = {
    type: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalContext: 128
  } as const
  const spec: SyntheticSpec = { ...smallLlama, ropeFreqs: true, ropeScaling }
  await refuses(t, spec, (tensors) => tensors, 'MODEL_BAD_TENSOR', /rope_freqs.*twice/)
  t.ok(await tensorsOf({ ...smallLlama, ropeScaling }))
})

test('tensors - a wrong shape is refused by name', async (t) => {
  for (const [name, shape] of [
    ['token_embd.weight', [256, 1023]],
    ['token_embd.weight', [1024, 256]],
    ['blk.2.attn_q.weight', [256]],
    ['blk.2.attn_k.weight', [256, 256]],
    ['blk.2.attn_q.weight', [256, 256, 2]],
    ['output_norm.weight', [512]],
    ['output_norm.weight', [256, 2]]
  ] as const) {
    await refuses(
      t,
      smallLlama,
      changed(name, { shape, typeId: 0 }),
      'MODEL_BAD_TENSOR',
      new RegExp(`'${name}' has shape`)
    )
  }
  t.ok(await tensorsOf(smallLlama, changed('output_norm.weight', { shape: [256, 1, 1] })))
})

test('tensors - formats that we do not compute are refused by name', async (t) => {
  for (const [typeId, name] of [
    [IQ4_XS, 'IQ4_XS'],
    [Q8_K, 'Q8_K']
  ] as const) {
    await refuses(
      t,
      smallLlama,
      changed('blk.3.ffn_up.weight', { typeId }),
      'MODEL_UNSUPPORTED_TYPE',
      new RegExp(`blk\\.3\\.ffn_up\\.weight.*${name}`)
    )
  }
  const half = changed('blk.3.ffn_norm.weight', { typeId: 1 })
  await refuses(t, smallLlama, half, 'MODEL_UNSUPPORTED_TYPE', /ffn_norm.*F16.*F32/)
})

test('tensors - the ranges of a split add up to the whole', async (t) => {
  for (const spec of [smallLlama, smallQwen2, smallQwen3, oddLlama]) {
    const tensors = await tensorsOf(spec)
    const bytes = (start: number, end: number) => rangeBytes(tensors, { start, end }, 4)
    const sum = (select: (tensor: ModelTensor) => boolean) =>
      tensors.filter(select).reduce((total, { sizeBytes }) => total + sizeBytes, 0)
    const whole = sum(() => true)
    t.is(bytes(0, 4), whole, spec.name)
    // What both halves need is counted twice: rope frequencies, and a tied embedding.
    const twice = sum(
      ({ role }) => role === 'ropeFreqs' || (spec.tied && role === 'tokenEmbedding')
    )
    for (const cut of [1, 2, 3]) t.is(bytes(0, cut) + bytes(cut, 4), whole + twice, `${cut}`)
    t.is(
      bytes(1, 3),
      sum(({ layer, role }) => layer === 1 || layer === 2 || role === 'ropeFreqs')
    )
  }
})

test('tensors - the embedding goes with the first layer, the head with the last', async (t) => {
  const tensors = await tensorsOf(smallLlama)
  const size = (role: string) => tensors.find((tensor) => tensor.role === role)?.sizeBytes ?? 0
  const range = (layers: LayerRange) => rangeBytes(tensors, layers, 4)
  const layerBytes = range({ start: 1, end: 2 })
  t.is(range({ start: 0, end: 1 }) - sumOfLayer(tensors, 0), size('tokenEmbedding'))
  t.is(range({ start: 3, end: 4 }) - sumOfLayer(tensors, 3), size('output') + size('outputNorm'))
  t.is(layerBytes, sumOfLayer(tensors, 1))
})

test('tensors - dims that do not divide by 256 mix the fallback formats', async (t) => {
  const names = new Set((await tensorsOf(oddLlama)).map(({ type }) => tensorType(type)?.name))
  t.alike([...names].toSorted(), ['F16', 'F32', 'Q5_0', 'Q8_0'])
})

function sumOfLayer(tensors: ModelTensor[], layer: number): number {
  return tensors
    .filter((tensor) => tensor.layer === layer)
    .reduce((total, { sizeBytes }) => total + sizeBytes, 0)
}
