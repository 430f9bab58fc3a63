// The activation quantiser, docs/arithmetic.md section 3: an implementation written here from the text,
// and equality of all tables with it.

import test from 'brittle'
import { loadKernels } from '../../src/compute/addon.ts'
import { sameBytes, spreadFloats } from '../helpers/bits.ts'

const { addon, available } = loadKernels()

function quantize(table: string, blockValues: number, x: Float32Array): Uint8Array | null {
  return addon.testing['quantize']?.(table, blockValues, x) as Uint8Array | null
}

/** Round half to even. */
function rne(x: number): number {
  const down = Math.floor(x)
  const rest = x - down
  if (rest !== 0.5) return Math.round(x)
  return down % 2 === 0 ? down : down + 1
}

function expectedBlock(x: Float32Array): Uint8Array {
  const f = Math.fround
  const amax = x.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
  const d = f(amax / 127)
  const id = amax < 2 ** -100 ? 0 : f(127 / amax)
  const q = Int8Array.from(x, (value) => rne(f(value * id)))
  const sumOf = (from: number, count: number) =>
    q.subarray(from, from + count).reduce((sum, value) => sum + value, 0)
  const scale = new Uint8Array(Float32Array.of(d).buffer)
  const values = new Uint8Array(q.buffer)
  if (x.length === 32) {
    return Buffer.concat([scale, new Uint8Array(Int32Array.of(sumOf(0, 32)).buffer), values])
  }
  const sums = Int16Array.from({ length: 24 }, (_, s) =>
    s < 16 ? sumOf(16 * s, 16) : sumOf(32 * (s - 16), 32)
  )
  return Buffer.concat([values, new Uint8Array(sums.buffer), scale, new Uint8Array(12)])
}

for (const blockValues of [32, 256]) {
  test(`quantize - blocks of ${blockValues} follow the text in every table`, (t) => {
    const distinct = new Set<number>()
    for (let seed = 1; seed <= 200; seed++) {
      const x = spreadFloats(blockValues, seed)
      const expected = expectedBlock(x)
      for (const byte of expected) distinct.add(byte)
      for (const table of available) {
        const actual = quantize(table, blockValues, x)
        if (!actual || !sameBytes(actual, expected)) t.fail(`${table} differs at seed ${seed}`)
      }
    }
    t.ok(distinct.size > 200, `${distinct.size} distinct bytes`)
  })

  test(`quantize - ties of ${blockValues} go to even`, (t) => {
    // With the largest at 127 the scale is 1 and every value is its own product.
    const x = Float32Array.from(
      { length: blockValues },
      (_, k) => (k % 2 === 0 ? 1 : -1) * (k % 17) + 0.5
    )
    x[0] = 127
    for (const table of available) {
      t.ok(sameBytes(quantize(table, blockValues, x) as Uint8Array, expectedBlock(x)), table)
    }
  })

  test(`quantize - tiny and zero blocks of ${blockValues} give zeros`, (t) => {
    for (const value of [0, -0, 1e-40, 2 ** -101]) {
      const x = new Float32Array(blockValues).fill(value)
      for (const table of available) {
        t.ok(
          sameBytes(quantize(table, blockValues, x) as Uint8Array, expectedBlock(x)),
          `${table} ${value}`
        )
      }
    }
  })

  test(`quantize - a block of ${blockValues} with a value that is not finite is refused`, (t) => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const at of [0, 13, blockValues - 1]) {
        const x = spreadFloats(blockValues, 5)
        x[at] = value
        for (const table of available)
          t.is(quantize(table, blockValues, x), null, `${table} ${value} at ${at}`)
      }
    }
  })
}
