import { mkdir, readFile, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'brittle'
import { isAbort } from '../../src/base/errors.ts'
import { MODEL_IDS_REMEMBERED_MAX } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { bufferSource, FileSource, type FileFacts } from '../../src/model/byte-source.ts'
import { CHUNK_BYTES, HASH_BYTES, hashChunks, modelIdOf } from '../../src/model/model-id.ts'
import { recallModelId, rememberModelId } from '../../src/model/model-id-cache.ts'

const FACTS: FileFacts = { sizeBytes: 10, mtimeNs: 1_700_000_000_123_456_789n, inode: 7n }
const ID = 'ab'.repeat(32)

// Computed with Python's hashlib too.
const PINNED = '75918dd4843590b251a8eadf4e0e31d7e3a6f8d12a13eaedb55511adf5d34907'

async function idOf(bytes: Uint8Array, headerBytes = 64): Promise<string> {
  return modelIdOf(await hashChunks(bufferSource(bytes), headerBytes))
}

test('model id - is pinned, so that peers of all versions agree', async (t) => {
  const bytes = seededRandom(1).bytes(3 * CHUNK_BYTES + 5)
  t.is(await idOf(bytes), PINNED)
  t.is(await idOf(bytes), PINNED)
})

test('model id - every byte, the length and the header count', async (t) => {
  const bytes = seededRandom(2).bytes(2 * CHUNK_BYTES + 100)
  const ids = new Set([await idOf(bytes)])
  for (const at of [0, 63, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 99]) {
    const changed = bytes.slice()
    changed[at] = (changed[at] as number) ^ 1
    ids.add(await idOf(changed))
  }
  ids.add(await idOf(bytes.slice(0, -1)))
  ids.add(await idOf(new Uint8Array([...bytes, 0])))
  ids.add(await idOf(bytes, 96))
  t.is(ids.size, 9)
  t.ok([...ids].every((id) => /^[0-9a-f]{64}$/.test(id)))
})

test('model id - one hash for each chunk of the whole file', async (t) => {
  for (const [sizeBytes, count] of [
    [1, 1],
    [CHUNK_BYTES, 1],
    [CHUNK_BYTES + 1, 2]
  ] as const) {
    const { hashes } = await hashChunks(bufferSource(new Uint8Array(sizeBytes)), 0)
    t.is(hashes.length, count * HASH_BYTES)
  }
})

test('model id - progress rises to the whole size and other work goes on', async (t) => {
  const seen: number[] = []
  let ticks = 0
  let running = true
  const tick = () => {
    ticks++
    if (running) setImmediate(tick)
  }
  setImmediate(tick)
  const path = join(await t.tmp(), 'file')
  await writeFile(path, new Uint8Array(20 * CHUNK_BYTES + 1))
  const source = await FileSource.open(path)
  t.teardown(() => source.close())
  await hashChunks(source, 0, { onProgress: (done) => seen.push(done) })
  running = false
  t.is(seen.length, 21)
  t.is(seen.at(-1), 20 * CHUNK_BYTES + 1)
  t.ok(ticks >= 20, `${ticks} turns of the event loop`)
})

test('model id - an abort ends the hashing', async (t) => {
  const controller = new AbortController()
  const work = hashChunks(bufferSource(new Uint8Array(5 * CHUNK_BYTES)), 0, {
    onProgress: () => controller.abort(),
    signal: controller.signal
  })
  t.ok(isAbort(await work.catch((error: unknown) => error)))
})

test('model id cache - remembers a file until it changes', async (t) => {
  const cache = join(await t.tmp(), 'new folder', 'ids.json')
  t.is(await recallModelId(cache, '/a', FACTS), null)
  await rememberModelId(cache, '/a', FACTS, ID)
  t.is(await recallModelId(cache, '/a', FACTS), ID)
  t.is(await recallModelId(cache, '/b', FACTS), null)
  t.is(await recallModelId(cache, '/a', { ...FACTS, sizeBytes: 11 }), null)
  t.is(await recallModelId(cache, '/a', { ...FACTS, mtimeNs: FACTS.mtimeNs + 1n }), null)
  t.is(await recallModelId(cache, '/a', { ...FACTS, inode: 8n }), null)
})

test('model id cache - one entry for each path, the oldest give way', async (t) => {
  const cache = join(await t.tmp(), 'ids.json')
  await rememberModelId(cache, '/first', FACTS, ID)
  for (let i = 0; i < 3; i++) await rememberModelId(cache, '/a', { ...FACTS, inode: BigInt(i) }, ID)
  t.is(await recallModelId(cache, '/a', { ...FACTS, inode: 1n }), null)
  t.is(await recallModelId(cache, '/a', { ...FACTS, inode: 2n }), ID)
  t.is(await recallModelId(cache, '/first', FACTS), ID)
  for (let i = 0; i < MODEL_IDS_REMEMBERED_MAX; i++) {
    await rememberModelId(cache, `/file ${i}`, FACTS, ID)
  }
  t.is(await recallModelId(cache, '/first', FACTS), null)
  t.is(await recallModelId(cache, '/file 0', FACTS), ID)
})

test('model id cache - a damaged file is ignored and replaced', async (t) => {
  const folder = await t.tmp()
  const cache = join(folder, 'ids.json')
  const entry = { path: '/a', sizeBytes: 10, mtimeNs: String(FACTS.mtimeNs), inode: '7' }
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"version":1}',
    '{"version":2,"entries":[]}',
    JSON.stringify({ version: 1, entries: [null, 7, {}, { ...entry, id: 'short' }] }),
    JSON.stringify({ version: 1, entries: [{ ...entry, id: 7 }] }),
    JSON.stringify({ version: 1, entries: { ...entry, id: ID } }),
    ' '.repeat(2 ** 21)
  ]) {
    await writeFile(cache, text)
    t.is(await recallModelId(cache, '/a', FACTS), null, text.slice(0, 40))
    await rememberModelId(cache, '/a', FACTS, ID)
    t.is(await recallModelId(cache, '/a', FACTS), ID)
  }
  t.alike(await readdir(folder), ['ids.json'])
})

test('model id cache - a place that cannot be written costs nothing but time', async (t) => {
  const folder = await t.tmp()
  const cache = join(folder, 'taken')
  await mkdir(cache)
  await t.execution(rememberModelId(cache, '/a', FACTS, ID))
  t.alike(await readdir(folder), ['taken'])
  const inFile = join(folder, 'plain')
  await writeFile(inFile, 'x')
  await t.execution(rememberModelId(join(inFile, 'ids.json'), '/a', FACTS, ID))
  t.is(await readFile(inFile, 'utf8'), 'x')
})

test('file source - a file that is touched has changed', async (t) => {
  const path = join(await t.tmp(), 'file')
  await writeFile(path, 'abc')
  const source = await FileSource.open(path)
  t.teardown(() => source.close())
  t.ok(await source.isUnchanged())
  await utimes(path, 1, 1)
  t.absent(await source.isUnchanged())
})
