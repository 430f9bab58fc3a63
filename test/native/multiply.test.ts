// Every kernel table gives the bits of the scalar one, which is docs/arithmetic.md as code, for every
// number format, at shapes that leave partial tiles everywhere.

import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { tensorTypeNamed, type SupportedType } from '../../src/model/tensor-types.ts'
import { firstDifference, spreadFloats } from '../helpers/bits.ts'
import { FLOATS, makeRows, QUANTISED, type Content } from '../helpers/blocks.ts'
import { dequantize } from '../helpers/dequantize.ts'

const { addon, available } = loadKernels()
const fast = available.filter((name) => name !== 'scalar')
/** A processor reads the weights of a few tokens in one of these ways (enum Reading); tables have all. */
const READINGS = ['plain', 'asked for ahead', 'several groups at a time']
const ways = fast.flatMap((table) => READINGS.map((_, reading) => [table, reading] as const))

function multiply(
  table: string,
  type: SupportedType,
  weights: Uint8Array,
  [rows, cols, nTokens]: [number, number, number],
  x: Float32Array,
  reading = 0
): Float32Array {
  const { id } = tensorTypeNamed(type)
  const shape = [rows, cols, x, nTokens] as const
  return addon.testing['multiply']?.(table, id, weights, ...shape, reading) as Float32Array
}

test('multiply - this machine has a table to compare with the scalar one', (t) => {
  t.ok(available.includes('scalar'))
  if (process.arch === 'x64') t.ok(fast.length > 0, `tables: ${available.join(' ')}`)
})

for (const type of [...QUANTISED, ...FLOATS]) {
  test(`multiply - ${type} gives the same bits in every table at odd shapes`, (t) => {
    const { blockLength } = tensorTypeNamed(type)
    const step = blockLength === 1 ? 13 : blockLength
    let seed = 1
    const distinct = new Set<number>()
    for (const rows of [1, 15, 16, 17, 33, 100]) {
      for (const cols of [step, 2 * step, 3 * step, 5 * step]) {
        for (const nTokens of [1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 18, 35]) {
          const weights = makeRows(type, rows, cols, seed++)
          const x = spreadFloats(nTokens * cols, seed++)
          const expected = multiply('scalar', type, weights, [rows, cols, nTokens], x)
          for (const value of expected) distinct.add(value)
          for (const [table, reading] of ways) {
            const actual = multiply(table, type, weights, [rows, cols, nTokens], x, reading)
            const at = firstDifference(expected, actual)
            if (at >= 0) {
              const how = `${table}, ${READINGS[reading]}`
              t.fail(`${how}: ${rows}x${cols}, ${nTokens} tokens: element ${at} is ${actual[at]}`)
            }
          }
        }
      }
    }
    t.ok(distinct.size > 10_000, `${distinct.size} distinct results`)
    t.absent(distinct.has(NaN))
  })
}

for (const type of QUANTISED) {
  test(`multiply - ${type} does not saturate at the largest weights and activations`, (t) => {
    const cols = 1024
    for (const content of ['ones', 'zeros'] as Content[]) {
      const weights = makeRows(type, 16, cols, 3, content)
      for (const sign of [1, -1]) {
        const x = new Float32Array(7 * cols).fill(sign * 3)
        for (let k = 0; k < cols; k += 5) x[k] = -sign * 3
        x.fill(sign * 3, cols)
        const shape: [number, number, number] = [16, cols, 7]
        const expected = multiply('scalar', type, weights, shape, x)
        for (const table of fast) {
          t.is(firstDifference(expected, multiply(table, type, weights, shape, x)), -1, table)
        }
      }
    }
  })

  test(`multiply - ${type} is a float64 product but for the rounding of the activations`, (t) => {
    const [rows, cols, nTokens] = [20, 1024, 2]
    const { blockLength } = tensorTypeNamed(type)
    const weights = makeRows(type, rows, cols, 11)
    const x = spreadFloats(nTokens * cols, 12)
    const values = dequantize(type, weights)
    const actual = multiply('scalar', type, weights, [rows, cols, nTokens], x)
    let worst = 0
    for (let token = 0; token < nTokens; token++) {
      const input = x.subarray(token * cols, (token + 1) * cols)
      for (let row = 0; row < rows; row++) {
        const w = values.subarray(row * cols, (row + 1) * cols)
        const { sum, bound } = boundedProduct(w, input, blockLength)
        worst = Math.max(worst, Math.abs((actual[token * rows + row] as number) - sum) / bound)
      }
    }
    t.ok(worst <= 1, `largest error is ${worst.toFixed(3)} of the bound`)
    t.ok(worst > 1e-4, 'the bound is of the size of the errors')
  })
}

/**
 * The product, and how far rounding each activation to amax / 127 of its block may move it: half a
 * step per element, plus binary32's own rounding.
 */
function boundedProduct(w: Float32Array, x: Float32Array, blockLength: number) {
  let sum = 0
  let bound = 0
  for (let block = 0; block < x.length; block += blockLength) {
    let amax = 0
    for (let k = block; k < block + blockLength; k++)
      amax = Math.max(amax, Math.abs(x[k] as number))
    for (let k = block; k < block + blockLength; k++) {
      const [a, b] = [w[k] as number, x[k] as number]
      sum += a * b
      bound += Math.abs(a) * (amax / 254) + Math.abs(a * b) * 1e-5
    }
  }
  return { sum, bound }
}
