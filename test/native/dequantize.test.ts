// Decoding of stored blocks: ggml's own results for trained weights, bit for bit, and an independent
// decoder for random blocks that reach every scale and minimum.

import { readFileSync } from 'node:fs'
import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { tensorTypeNamed, type SupportedType } from '../../src/model/tensor-types.ts'
import { firstDifference } from '../helpers/bits.ts'
import { FLOATS, makeRows, QUANTISED } from '../helpers/blocks.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { dequantize } from '../helpers/dequantize.ts'
import { readSingles } from '../helpers/npy.ts'

const { addon } = loadKernels()

function native(type: SupportedType, bytes: Uint8Array, count: number): Float32Array {
  return addon.testing['dequantize']?.(tensorTypeNamed(type).id, bytes, count) as Float32Array
}

dataTest('dequantize - every quantised type equals ggml bit for bit', {}, (t) => {
  for (const type of [...QUANTISED, 'BF16' as const]) {
    const blocks = readFileSync(dataPath('quant-blocks', `${type}.blocks.bin`))
    const expected = readSingles(dataPath('quant-blocks', `${type}.dequant.f32.bin`))
    t.is(firstDifference(native(type, blocks, expected.length), expected), -1, type)
  }
})

test('dequantize - random blocks equal an independent decoder bit for bit', (t) => {
  for (const type of [...QUANTISED, ...FLOATS]) {
    const count = 256 * 64
    const bytes = makeRows(type, 1, count, 77)
    const expected = dequantize(type, bytes)
    t.ok(new Set(expected).size > 500, `${type} has ${new Set(expected).size} distinct values`)
    t.is(firstDifference(native(type, bytes, count), expected), -1, type)
  }
})
