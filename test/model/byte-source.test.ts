import { execFileSync } from 'node:child_process'
import { mkdir, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'brittle'
import { SwarmError } from '../../src/base/errors.ts'
import { bufferSource, FileSource } from '../../src/model/byte-source.ts'

test('byte source - a buffer and a file give the same bytes', async (t) => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i)
  const path = join(await t.tmp(), 'file')
  await writeFile(path, bytes)
  const file = await FileSource.open(path)
  t.teardown(() => file.close())
  const buffer = bufferSource(bytes)
  t.is(file.sizeBytes, 300)
  for (const [offset, length] of [
    [0, 300],
    [299, 1],
    [300, 0],
    [17, 100]
  ] as const) {
    t.alike(await file.read(offset, length), bytes.slice(offset, offset + length))
    t.alike(await buffer.read(offset, length), bytes.slice(offset, offset + length))
  }
})

test('byte source - reading beyond the end is an error', async (t) => {
  const path = join(await t.tmp(), 'file')
  await writeFile(path, new Uint8Array(10))
  const file = await FileSource.open(path)
  t.teardown(() => file.close())
  await t.exception(file.read(0, 11), /byte 10, before byte 11/)
  await t.exception(bufferSource(new Uint8Array(10)).read(10, 1), /byte 10, before byte 11/)
})

test('byte source - a file that shrinks while open is cut off, not zeros', async (t) => {
  const path = join(await t.tmp(), 'file')
  await writeFile(path, new Uint8Array(1000))
  const file = await FileSource.open(path)
  t.teardown(() => file.close())
  await truncate(path, 100)
  const error = await file.read(50, 100).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'MODEL_TRUNCATED')
})

test('byte source - a file that vanishes while open stays readable', async (t) => {
  const path = join(await t.tmp(), 'file')
  await writeFile(
    path,
    Uint8Array.from({ length: 1000 }, (_, i) => i)
  )
  const file = await FileSource.open(path)
  t.teardown(() => file.close())
  await unlink(path)
  t.alike(await file.read(7, 3), Uint8Array.of(7, 8, 9))
})

test('byte source - a disk that fails is unreadable, not cut off', async (t) => {
  const path = join(await t.tmp(), 'file')
  await writeFile(path, 'x')
  const file = await FileSource.open(path)
  await file.close()
  const error = await file.read(0, 1).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'MODEL_UNREADABLE')
})

test('byte source - a pipe is refused at once, though nobody writes to it', async (t) => {
  const path = join(await t.tmp(), 'pipe')
  execFileSync('mkfifo', [path])
  const error = await FileSource.open(path).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'MODEL_NOT_FOUND')
  t.ok(/not a file/.test(String(error)))
})

test('byte source - a buffer cannot be changed through what was read', async (t) => {
  const bytes = Buffer.from([1, 2, 3])
  const read = await bufferSource(bytes).read(0, 3)
  read[0] = 9
  t.is(bytes[0], 1)
})

test('byte source - a missing file and a directory say so', async (t) => {
  const folder = await t.tmp()
  await mkdir(join(folder, 'models'))
  const missing = await FileSource.open(join(folder, 'none.gguf')).catch((error: unknown) => error)
  t.is(missing instanceof SwarmError ? missing.code : '', 'MODEL_NOT_FOUND')
  t.ok(/none\.gguf/.test(String(missing)))
  const directory = await FileSource.open(join(folder, 'models')).catch((error: unknown) => error)
  t.is(directory instanceof SwarmError ? directory.code : '', 'MODEL_NOT_FOUND')
  t.ok(/directory/.test(String(directory)))
})

test('byte source - closing twice is fine', async (t) => {
  const path = join(await t.tmp(), 'file')
  await writeFile(path, 'x')
  const file = await FileSource.open(path)
  await file.close()
  await t.execution(file.close())
})
