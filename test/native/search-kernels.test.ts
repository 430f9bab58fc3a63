// The coarse product of the search on every kernel table: exact, so it is compared with integers.

import test from 'brittle'
import { seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'

const { addon, available } = loadKernels()

function codeDots(table: string, rows: Int8Array, x: Int8Array): Int32Array {
  const bytes = addon.testing['codeDots']?.(table, rows, x) as Uint8Array
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

function exact(rows: Int8Array, x: Int8Array): Int32Array {
  return Int32Array.from({ length: rows.length / 256 }, (_, row) =>
    x.reduce((sum, value, k) => sum + value * (rows[row * 256 + k] as number), 0)
  )
}

test('code products - are exact on every table at every number of groups', (t) => {
  const random = seededRandom(4)
  const code = () => (random.uint32() % 255) - 127
  for (let groups = 1; groups <= 9; groups++) {
    const rows = Int8Array.from({ length: groups * 16 * 256 }, code)
    const x = Int8Array.from({ length: 256 }, code)
    for (const table of available) t.alike(codeDots(table, rows, x), exact(rows, x), `${table} ${groups}`)
  }
})

test('code products - do not saturate at the largest codes of either sign', (t) => {
  for (const [a, b] of [[127, 127], [-127, 127], [127, -127], [-127, -127], [0, -127]] as const) {
    const rows = new Int8Array(16 * 256).fill(a)
    const x = new Int8Array(256).fill(b)
    for (const table of available) t.alike(codeDots(table, rows, x), exact(rows, x), `${table} ${a} ${b}`)
  }
})
