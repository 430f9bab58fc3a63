import { readFileSync } from 'node:fs'
import test from 'brittle'
import { SUPPORTED_TYPES } from '../../src/model/tensor-types.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { dequantize, halfToSingle } from '../helpers/dequantize.ts'
import { readSingles } from '../helpers/npy.ts'

test('dequantize - every binary16 value is exact', (t) => {
  t.is(halfToSingle(0x3c00), 1)
  t.is(halfToSingle(0xc000), -2)
  t.is(halfToSingle(0x0001), 2 ** -24)
  t.is(halfToSingle(0x7bff), 65_504)
  t.is(halfToSingle(0xfc00), -Infinity)
  t.ok(Number.isNaN(halfToSingle(0x7e00)))
})

test('dequantize - f32 is taken as it is', (t) => {
  const values = Float32Array.of(1.5, -0, 3e38, 1e-45)
  t.alike(dequantize('F32', new Uint8Array(values.buffer)), values)
})

test('dequantize - f16 widens without rounding', (t) => {
  const bytes = Uint8Array.of(0x00, 0x3c, 0x01, 0x80)
  t.alike(dequantize('F16', bytes), Float32Array.of(1, -(2 ** -24)))
})

dataTest('dequantize - equals ggml bit for bit on real weights', {}, (t) => {
  const source = readSingles(dataPath('quant-blocks', 'source.f32.bin'))
  for (const type of SUPPORTED_TYPES.filter((type) => type !== 'F32' && type !== 'F16')) {
    const blocks = readFileSync(dataPath('quant-blocks', `${type}.blocks.bin`))
    const wanted = readSingles(dataPath('quant-blocks', `${type}.dequant.f32.bin`))
    const decoded = dequantize(type, new Uint8Array(blocks))
    t.is(decoded.length, source.length, type)
    t.alike(Buffer.from(decoded.buffer), Buffer.from(wanted.buffer), type)
  }
})
