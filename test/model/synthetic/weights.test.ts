import { join } from 'node:path'
import test from 'brittle'
import { FileSource } from '../../../src/model/byte-source.ts'
import { readGguf } from '../../../src/model/gguf.ts'
import { readHyperparameters } from '../../../src/model/hyperparameters.ts'
import { blockFiller } from '../../../src/model/synthetic/block-filler.ts'
import { toBrain, toHalf } from '../../../src/model/synthetic/half.ts'
import { RandomWords } from '../../../src/model/synthetic/random-words.ts'
import { demoModelSpec, smallQwen3 } from '../../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../../src/model/synthetic/write-model.ts'
import { modelTensors } from '../../../src/model/tensors.ts'
import {
  SUPPORTED_TYPES,
  tensorType,
  tensorTypeNamed,
  type SupportedType
} from '../../../src/model/tensor-types.ts'
import { dequantize, halfToSingle } from '../../helpers/dequantize.ts'

/** @returns about 256 Ki random weights of this type. */
function weightsOf(type: SupportedType, std: number, seed: number): Float32Array {
  const { blockLength, bytesPerBlock } = tensorTypeNamed(type)
  const sizeBytes = (2 ** 18 / blockLength) * bytesPerBlock
  const words = new Uint32Array(Math.ceil(sizeBytes / 4))
  new RandomWords(seed).draw(words)
  const bytes = new Uint8Array(words.buffer, 0, sizeBytes)
  blockFiller(type, std)(bytes)
  return dequantize(type, bytes)
}

function spread(values: Float32Array) {
  let sum = 0
  let squares = 0
  let positive = 0
  for (const value of values) {
    sum += value
    squares += value * value
    if (value > 0) positive++
  }
  const mean = sum / values.length
  const std = Math.sqrt(squares / values.length - mean * mean)
  return { mean, std, positive: positive / values.length, distinct: new Set(values).size }
}

test('random weights - every format has the wanted spread, centred and varied', (t) => {
  for (const type of SUPPORTED_TYPES) {
    for (const wanted of [1, 1 / 16, 1 / 64]) {
      const values = weightsOf(type, wanted, 3)
      const { mean, std, positive, distinct } = spread(values)
      t.ok(values.every(Number.isFinite), type)
      t.ok(Math.abs(std / wanted - 1) < 0.04, `${type} std ${std / wanted}`)
      t.ok(Math.abs(mean / wanted) < 0.02, `${type} mean ${mean / wanted}`)
      t.ok(positive > 0.42 && positive < 0.58, `${type} positive ${positive}`)
      t.ok(distinct > 1000, `${type} distinct ${distinct}`)
    }
  }
})

test('random weights - every quant and every sub-scale occurs', (t) => {
  const blocks = (type: SupportedType) => {
    const words = new Uint32Array(2 ** 16)
    new RandomWords(5).draw(words)
    const { bytesPerBlock } = tensorTypeNamed(type)
    const count = Math.floor((words.length * 4) / bytesPerBlock)
    const bytes = new Uint8Array(words.buffer, 0, count * bytesPerBlock)
    blockFiller(type, 1)(bytes)
    return { bytes, bytesPerBlock, count }
  }
  const { bytes, bytesPerBlock, count } = blocks('Q4_K')
  const scales = new Set<number>()
  const nibbles = new Set<number>()
  for (let block = 0; block < count; block++) {
    const at = block * bytesPerBlock
    scales.add((bytes[at + 4] as number) & 63)
    nibbles.add((bytes[at + 16] as number) & 15)
  }
  t.is(scales.size, 64)
  t.is(nibbles.size, 16)
  const q8 = blocks('Q8_0')
  const quants = new Set<number>()
  for (let block = 0; block < q8.count; block++) quants.add(q8.bytes[block * 34 + 2] as number)
  t.is(quants.size, 256)
})

test('random words - a seed replays and seeds differ', (t) => {
  const words = (seed: number) => {
    const out = new Uint32Array(1000)
    new RandomWords(seed).draw(out)
    return out
  }
  t.alike(words(1), words(1))
  t.unlike(words(1), words(2))
  t.is(new Set(words(3)).size, 1000)
})

test('random words - filling in pieces gives the same stream', (t) => {
  const whole = new Uint32Array(100)
  new RandomWords(9).draw(whole)
  const pieces = new Uint32Array(100)
  const random = new RandomWords(9)
  random.draw(pieces.subarray(0, 37))
  random.draw(pieces.subarray(37))
  t.alike(pieces, whole)
})

test('binary16 - every value survives and halves round to even', (t) => {
  const wrong: number[] = []
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = halfToSingle(bits)
    if (!Number.isNaN(value) && toHalf(value) !== bits) wrong.push(bits)
  }
  t.alike(wrong, [])
  t.is(toHalf(1 + 2 ** -11), 0x3c00)
  t.is(toHalf(1 + 3 * 2 ** -11), 0x3c02)
  t.is(toHalf(2 ** -25), 0)
  t.is(toHalf(1.5 * 2 ** -25), 1)
  t.is(toHalf(2 ** -14 - 2 ** -26), 0x0400)
  t.is(toHalf(65_519), 0x7bff)
  t.is(toHalf(65_520), 0x7c00)
  t.is(toHalf(-1e9), 0xfc00)
})

test('bfloat16 - rounds to nearest, ties to even', (t) => {
  t.is(toBrain(1), 0x3f80)
  t.is(toBrain(1 + 2 ** -8), 0x3f80)
  t.is(toBrain(1 + 3 * 2 ** -8), 0x3f82)
  t.is(toBrain(-2), 0xc000)
})

test('generated model - no tensor is constant and each has its own numbers', async (t) => {
  const path = join(await t.tmp(), 'model.gguf')
  await writeSyntheticModel(path, smallQwen3)
  const source = await FileSource.open(path)
  t.teardown(() => source.close())
  const gguf = await readGguf(source)
  const starts = new Set<string>()
  const tensors = modelTensors(gguf, readHyperparameters(gguf))
  for (const { name, type, offsetBytes, sizeBytes } of tensors) {
    const bytes = await source.read(offsetBytes, sizeBytes)
    const values = dequantize(tensorType(type)?.name as SupportedType, bytes)
    starts.add(values.subarray(0, 8).join())
    t.ok(new Set(values).size > values.length / 400, name)
    t.ok(values.every(Number.isFinite), name)
    const { mean } = spread(values)
    t.ok(Math.abs(mean - (name.includes('norm') ? 1 : 0)) < 0.1, `${name} mean ${mean}`)
  }
  t.is(starts.size, tensors.length)
})

test('generated model - tokens that are not words have small rows in the head', async (t) => {
  const path = join(await t.tmp(), 'model.gguf')
  await writeSyntheticModel(path, demoModelSpec)
  const source = await FileSource.open(path)
  t.teardown(() => source.close())
  const gguf = await readGguf(source)
  const head = modelTensors(gguf, readHyperparameters(gguf)).find(({ role }) => role === 'output')
  if (!head) throw new Error('no head')
  const bytes = await source.read(head.offsetBytes, head.sizeBytes)
  const values = dequantize(tensorType(head.type)?.name as SupportedType, bytes)
  const row = (id: number) => spread(values.subarray(id * head.cols, (id + 1) * head.cols)).std
  t.ok(row(4000) / row(2) > 5)
  t.ok(row(4095) / row(100) > 5)
})
