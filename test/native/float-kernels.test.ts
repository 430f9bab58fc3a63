// The float operations of every kernel table against the scalar one (equal bits) and against float64
// (a named tolerance), at lengths around every lane boundary.

import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { firstDifference, sameBytes, spreadFloats } from '../helpers/bits.ts'
import { halfToSingle } from '../helpers/dequantize.ts'

const { addon, available } = loadKernels()
const { testing } = addon
const fast = available.filter((name) => name !== 'scalar')

/** Relative error of our exp over its whole range; docs/arithmetic.md section 7 promises 3e-7. */
const EXP_TOLERANCE = 3e-7

/** GGML's numbers of the formats that keys and values have. */
const [F32, F16, Q8_0] = [0, 1, 8] as const

function call<T>(name: string, ...args: unknown[]): T {
  return testing[name]?.(...args) as T
}

function sameInAllTables(name: string, ...args: unknown[]): Float32Array {
  const expected = call<Float32Array>(name, 'scalar', ...args)
  for (const table of fast) {
    const at = firstDifference(expected, call<Float32Array>(name, table, ...args))
    if (at >= 0) throw new Error(`${name}: ${table} differs at ${at} of ${expected.length}`)
  }
  return expected
}

test('float kernels - rmsNorm has the same bits everywhere and is right to 1e-6', (t) => {
  let worst = 0
  for (let n = 1; n <= 100; n++) {
    const x = spreadFloats(n, n)
    const weight = spreadFloats(n, 1000 + n)
    const y = sameInAllTables('rmsNorm', x, weight, 1e-5)
    const mean = x.reduce((sum, value) => sum + value * value, 0) / n
    const scale = 1 / Math.sqrt(mean + 1e-5)
    y.forEach((value, k) => {
      const expected = (x[k] as number) * scale * (weight[k] as number)
      worst = Math.max(worst, Math.abs(value - expected) / (Math.abs(expected) + 1e-30))
    })
  }
  t.ok(worst < 1e-6, `relative error ${worst}`)
})

test('float kernels - exp has the same bits everywhere and the promised error', (t) => {
  let worst = 0
  const x = new Float32Array(200_000)
  for (let i = 0; i < x.length; i++) x[i] = -88 + (176 * i) / x.length
  const y = sameInAllTables('expSum', x, 0)
  for (let i = 0; i < x.length; i++) {
    const value = x[i] as number
    if (value < Math.fround(-87.3)) {
      if (y[i] !== 0) t.fail(`exp(${value}) is ${y[i]}`)
    } else if (value <= 88) {
      worst = Math.max(worst, Math.abs((y[i] as number) / Math.exp(value) - 1))
    }
  }
  t.ok(worst < EXP_TOLERANCE, `relative error ${worst}`)
  t.ok(worst > EXP_TOLERANCE / 100, 'the tolerance is of the size of the errors')
})

test('float kernels - exp of what is not finite stays defined', (t) => {
  const y = sameInAllTables('expSum', Float32Array.of(-Infinity, -1000, 1000, Infinity), 0)
  t.is(y[0], 0)
  t.is(y[1], 0)
  t.ok(Number.isFinite(y[2] as number) && (y[2] as number) > 1e38)
  for (const table of available) {
    const [value, sum] = call<Float32Array>('expSum', table, Float32Array.of(NaN), 0)
    t.ok(Number.isNaN(value) && Number.isNaN(sum), `${table} passes NaN on`)
  }
})

test('float kernels - sums of exponentials fold the same at every length', (t) => {
  for (let n = 1; n <= 300; n++) sameInAllTables('expSum', spreadFloats(n, n), 3)
  t.pass()
})

test('float kernels - silu has the same bits everywhere and is right to 1e-6', (t) => {
  let worst = 0
  for (let n = 1; n <= 64; n++) {
    const gate = spreadFloats(n, n)
    const up = new Float32Array(n).fill(1)
    const y = sameInAllTables('siluMultiply', gate, up)
    y.forEach((value, k) => {
      const x = gate[k] as number
      const expected = x / (1 + Math.exp(-x))
      if (Math.abs(x) < 80 && x !== 0) {
        worst = Math.max(worst, Math.abs(value - expected) / Math.abs(expected))
      }
    })
  }
  t.ok(worst < 1e-6, `relative error ${worst}`)
  sameInAllTables(
    'siluMultiply',
    Float32Array.of(-1e30, -200, -88.5, 88.5, 1e30),
    new Float32Array(5).fill(2)
  )
})

test('float kernels - maximum is exact wherever it stands', (t) => {
  for (let n = 1; n <= 70; n++) {
    const x = spreadFloats(n, n)
    const expected = x.reduce((top, value) => Math.max(top, value), -Infinity)
    for (const table of available) t.is(call<number>('maximum', table, x), expected)
  }
})

test('float kernels - conversion to f16 rounds to nearest even at every midpoint', (t) => {
  const halves: number[] = []
  for (let bits = 0; bits < 0x7c00; bits++) halves.push(halfToSingle(bits))
  const inputs: number[] = []
  const expected: number[] = []
  for (let bits = 0; bits + 1 < 0x7c00; bits++) {
    const low = halves[bits] as number
    const middle = (low + (halves[bits + 1] as number)) / 2
    for (const [value, wanted] of [
      [low, bits],
      [middle, bits % 2 === 0 ? bits : bits + 1],
      [middle * (1 - 2 ** -20), bits],
      [middle * (1 + 2 ** -20), bits + 1]
    ] as const) {
      inputs.push(value, -value)
      expected.push(wanted, wanted | 0x8000)
    }
  }
  const x = Float32Array.from(inputs)
  const wanted = new Uint8Array(Uint16Array.from(expected).buffer)
  for (const table of available) {
    t.ok(sameBytes(call<Uint8Array>('toHalf', table, x), wanted), table)
  }
})

test('float kernels - conversion to f16 refuses what does not fit', (t) => {
  for (const table of available) {
    for (const value of [65520, -65520, 1e30, Infinity, NaN]) {
      const x = new Float32Array(33).fill(1)
      x[20] = value
      t.is(call('toHalf', table, x), null, `${table} ${value}`)
    }
    t.ok(call('toHalf', table, Float32Array.of(65519)), `${table} rounds 65519 down`)
  }
})

test('float kernels - attention products have the same bits everywhere', (t) => {
  for (const [type, widths] of [
    [F32, [16, 32, 64, 80, 128, 256]],
    [F16, [16, 32, 64, 80, 128, 256]],
    [Q8_0, [32, 64, 96, 128, 256]]
  ] as const) {
    for (const width of widths) {
      for (const n of [1, 2, 3, 4, 5, 17, 40]) {
        const args = [
          spreadFloats(width, n),
          spreadFloats(n * width, n + 1),
          spreadFloats(n * width, n + 2)
        ]
        sameInAllTables('attend', ...args, type)
      }
    }
  }
  t.pass()
})

test('float kernels - heads side by side get the bits that each gets alone', (t) => {
  for (const table of available) {
    for (const type of [F32, F16, Q8_0]) {
      for (const [heads, width, n] of [
        [2, 64, 9],
        [4, 64, 16],
        [5, 32, 7],
        [8, 128, 21],
        [11, 96, 4],
        [9, 64, 32],
        [13, 96, 53],
        [9, 512, 35]
      ] as const) {
        const queries = spreadFloats(heads * width, n)
        const rows = [spreadFloats(n * width, n + 1), spreadFloats(n * width, n + 2)]
        const together = call<Float32Array>('attend', table, queries, ...rows, type, heads)
        for (let h = 0; h < heads; h++) {
          const q = queries.slice(h * width, (h + 1) * width)
          const alone = call<Float32Array>('attend', table, q, ...rows, type)
          const scores = together.slice(h * n, (h + 1) * n)
          const mixed = together.slice(heads * n + h * width, heads * n + (h + 1) * width)
          const same = firstDifference(Float32Array.of(...scores, ...mixed), alone)
          if (same !== -1) t.fail(`${table}, type ${type}, head ${h} of ${heads}, element ${same}`)
        }
      }
    }
  }
  t.pass()
})
