import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { KeptOutputs } from '../../src/pipeline/kept-outputs.ts'

const ROW_BYTES = 8

/** Rows of positions from `position` on: each says which it is, and of which writing. */
function rows(position: number, count: number, writing = 0): Uint8Array {
  const bytes = new Uint8Array(count * ROW_BYTES)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < count; i++) {
    view.setUint32(i * ROW_BYTES, position + i)
    view.setUint32(i * ROW_BYTES + 4, writing)
  }
  return bytes
}

function read(kept: KeptOutputs, start: number, end: number): Uint8Array {
  const target = new Uint8Array((end - start) * ROW_BYTES)
  kept.read(start, end, target)
  return target
}

test('kept outputs - what was put is read again, across blocks', (t) => {
  const kept = new KeptOutputs(ROW_BYTES, 5)
  kept.put(5, rows(5, 100))
  kept.put(105, rows(105, 1))
  kept.put(106, rows(106, 70))
  t.alike([kept.start, kept.end], [5, 176])
  t.alike(read(kept, 5, 176), rows(5, 171))
  t.alike(read(kept, 60, 140), rows(60, 80))
  t.alike(read(kept, 175, 176), rows(175, 1))
})

test('kept outputs - a copy is kept: a frame is encrypted in place', (t) => {
  const kept = new KeptOutputs(ROW_BYTES, 0)
  const frame = rows(0, 3)
  kept.put(0, frame)
  frame.fill(0xff)
  t.alike(read(kept, 0, 3), rows(0, 3))
})

test('kept outputs - what is put again replaces what was behind it', (t) => {
  const kept = new KeptOutputs(ROW_BYTES, 0)
  kept.put(0, rows(0, 130))
  kept.put(70, rows(70, 2, 1))
  t.is(kept.end, 72)
  t.alike(read(kept, 70, 72), rows(70, 2, 1))
  t.alike(read(kept, 0, 70), rows(0, 70))
})

test('kept outputs - a gap forgets all', (t) => {
  const kept = new KeptOutputs(ROW_BYTES, 0)
  kept.put(0, rows(0, 10))
  kept.put(12, rows(12, 2))
  t.alike([kept.start, kept.end], [12, 14])
  t.alike(read(kept, 12, 14), rows(12, 2))
})

test('kept outputs - memory follows what is kept', (t) => {
  const kept = new KeptOutputs(ROW_BYTES, 0)
  t.is(kept.sizeBytes, 0)
  kept.put(0, rows(0, 65))
  const two = kept.sizeBytes
  kept.truncate(64)
  t.is(kept.sizeBytes, two / 2)
  kept.truncate(100)
  t.is(kept.end, 64, 'there was nothing behind')
  kept.clear(64)
  t.alike([kept.sizeBytes, kept.start, kept.end], [0, 64, 64])
})

test('kept outputs - before the beginning there is nothing left to keep', (t) => {
  const kept = new KeptOutputs(ROW_BYTES, 10)
  kept.put(10, rows(10, 5))
  kept.truncate(4)
  t.alike([kept.start, kept.end], [4, 4])
})

test('kept outputs - random writing equals a plain array', (t) => {
  const random = seededRandom(3)
  const kept = new KeptOutputs(ROW_BYTES, 0)
  let plain: number[] = []
  for (let writing = 1; writing <= 400; writing++) {
    const position = Math.max(0, plain.length - below(random, 90))
    const count = 1 + below(random, 90)
    kept.put(position, rows(position, count, writing))
    plain = [...plain.slice(0, position), ...Array.from({ length: count }, () => writing)]
    const start = below(random, plain.length)
    const view = new DataView(read(kept, start, plain.length).buffer)
    for (let i = start; i < plain.length; i++) {
      const at = (i - start) * ROW_BYTES
      if (view.getUint32(at) !== i || view.getUint32(at + 4) !== plain[i]) t.fail(`position ${i}`)
    }
  }
  t.is(kept.end, plain.length)
})
