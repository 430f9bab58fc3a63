import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'brittle'

import {
  MARK_BLOCKS_BYTES_MAX,
  MARK_BLOCK_OVERHEAD_BYTES,
  MarkFile,
  type Mark
} from '../../../src/knowledge/store/mark-file.ts'

const KEY = 'ab'.repeat(32)

function mark(length: number, blocks: Uint8Array[] = []): Mark {
  return { key: KEY, length, treeHash: new Uint8Array(32).fill(length), blocks }
}

const block = (sizeBytes: number, fill: number) => new Uint8Array(sizeBytes).fill(fill)

test('mark file - what was written last is read', async (t) => {
  const path = join(await t.tmp(), 'm')
  const file = await MarkFile.open(path)
  t.is(file.last, null)
  for (const length of [0, 1, 2]) await file.write(mark(length, [block(length * 9, length)]))
  await file.close()
  const again = await MarkFile.open(path)
  t.alike(again.last, mark(2, [block(18, 2)]))
  await again.write(mark(3))
  await again.close()
  const last = await MarkFile.open(path)
  t.alike(last.last, mark(3))
  await last.close()
})

test('mark file - a write that was cut short anywhere leaves the mark before', async (t) => {
  const path = join(await t.tmp(), 'm')
  const file = await MarkFile.open(path)
  await file.write(mark(1, [block(100, 1)]))
  await file.write(mark(2, [block(300, 2)]))
  const before = await readFile(path)
  await file.write(mark(3, [block(200, 3)]))
  await file.close()
  const after = await readFile(path)
  const start = after.findIndex((byte, at) => byte !== before[at])
  const end = after.findLastIndex((byte, at) => byte !== before[at]) + 1
  t.ok(end - start > 200)
  const wrong: number[] = []
  for (let cut = start; cut < end; cut += 7) {
    await writeFile(path, Buffer.concat([after.subarray(0, cut), before.subarray(cut)]))
    const torn = await MarkFile.open(path)
    if (torn.last?.length !== 2) wrong.push(cut)
    await torn.close()
  }
  t.alike(wrong, [])
})

test('mark file - one damaged slot leaves the other, two leave none', async (t) => {
  const path = join(await t.tmp(), 'm')
  const file = await MarkFile.open(path)
  await file.write(mark(1))
  await file.write(mark(2, [block(50, 5)]))
  await file.close()
  const whole = await readFile(path)
  const lengthAt = async (...flips: number[]) => {
    const bytes = Buffer.from(whole)
    for (const at of flips) bytes[at] = (bytes[at] as number) ^ 1
    await writeFile(path, bytes)
    const read = await MarkFile.open(path)
    await read.close()
    return read.last?.length ?? null
  }
  const half = whole.byteLength / 2
  t.is(await lengthAt(), 2)
  // The second write lies in the first slot.
  for (const at of [0, 17, 33, 41, 60, 90, 112, 120]) t.is(await lengthAt(at), 1, `byte ${at}`)
  t.is(await lengthAt(half + 40), 2)
  t.is(await lengthAt(40, half + 40), null)
})

test('mark file - a count or a size that lies is no mark', async (t) => {
  const path = join(await t.tmp(), 'm')
  const file = await MarkFile.open(path)
  await file.write(mark(1, [block(10, 1)]))
  await file.close()
  const whole = await readFile(path)
  const slot = whole.byteLength / 2
  for (const at of [slot + 112, slot + 116]) {
    for (const value of [0xff_ff_ff_ff, 0x7f_ff_ff_ff, 300_000]) {
      const bytes = Buffer.from(whole)
      bytes.writeUInt32LE(value, at)
      await writeFile(path, bytes)
      const read = await MarkFile.open(path)
      t.is(read.last, null, `${value} at ${at}`)
      await read.close()
    }
  }
})

test('mark file - blocks of the largest size together fit', async (t) => {
  const path = join(await t.tmp(), 'm')
  const file = await MarkFile.open(path)
  const full = mark(7, [block(MARK_BLOCKS_BYTES_MAX - MARK_BLOCK_OVERHEAD_BYTES, 9)])
  await file.write(mark(6))
  await file.write(full)
  await file.close()
  const again = await MarkFile.open(path)
  t.alike(again.last, full)
  await again.close()
})
