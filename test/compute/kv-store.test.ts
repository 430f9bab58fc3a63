// Saved keys and values on a real disk: whole or not at all, bounded, and given to nobody else.

import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { SwarmError } from '../../src/base/errors.ts'
import { KV_SAVED_FILES_MAX } from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { KV_FILE_HEADER_BYTES, KV_FRAME_BYTES, type SavedKv } from '../../src/compute/kv-file.ts'
import { KvStore } from '../../src/compute/kv-store.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { keyOf } from '../helpers/views.ts'

const PIECES = [3000, 1, 5000].map((sizeBytes, i) => seededRandom(i + 1).bytes(sizeBytes))
const FILE_BYTES = KV_FILE_HEADER_BYTES + 4 * KV_FRAME_BYTES + 8001

function savedKv(changes: Partial<SavedKv> = {}): SavedKv {
  return {
    name: sessionIdOf(new Uint8Array(16).fill(1)),
    origin: keyOf('a'),
    modelId: 'dd'.repeat(32),
    arithmetic: 1,
    kvType: 'f16',
    layers: { start: 0, end: 4 },
    ...changes
  }
}

function named(number: number): Partial<SavedKv> {
  return { name: sessionIdOf(new Uint8Array(16).fill(number)) }
}

async function* piecesOf(pieces = PIECES): AsyncGenerator<Uint8Array, void> {
  yield* pieces
}

async function setUp(t: Test, bytesMax?: number) {
  const folder = join(await t.tmp(), 'saved')
  const openStore = () => new KvStore(folder, systemClock, bytesMax)
  return { folder, openStore, store: openStore() }
}

/** The pieces, or the code and the sentence. */
async function readAll(store: KvStore, saved: SavedKv): Promise<Uint8Array[] | string> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of store.read(saved)) pieces.push(piece.slice())
    return pieces
  } catch (error) {
    return error instanceof SwarmError ? `${error.code} ${error.message}` : String(error)
  }
}

test('kv store - what was written is read again, also by the next process', async (t) => {
  const { folder, openStore, store } = await setUp(t)
  t.absent(store.has(savedKv()))
  await store.write(savedKv(), piecesOf())
  t.ok(store.has(savedKv()))
  t.alike(await readAll(store, savedKv()), PIECES)
  const later = openStore()
  t.alike([later.files, later.sizeBytes], [1, FILE_BYTES])
  t.alike(await readAll(later, savedKv()), PIECES)
  t.is(statSync(join(folder, readdirSync(folder)[0] as string)).mode & 0o777, 0o600)
})

test('kv store - a file that is cut at any byte, or has one more, is refused and deleted', async (t) => {
  const { folder, openStore, store } = await setUp(t)
  await store.write(savedKv(), piecesOf())
  const path = join(folder, readdirSync(folder)[0] as string)
  const whole = readFileSync(path)
  const wrong: number[] = []
  const cuts = [...whole.keys()].filter((i) => i < 400 || i % 97 === 0 || i > FILE_BYTES - 100)
  for (const cut of [...cuts, FILE_BYTES + 1]) {
    writeFileSync(
      path,
      cut > FILE_BYTES ? Buffer.concat([whole, Buffer.of(0)]) : whole.subarray(0, cut)
    )
    const damaged = openStore()
    const said = await readAll(damaged, savedKv())
    const isRefused = typeof said === 'string' && said.startsWith('STORE_UNREADABLE saved keys and')
    if (!isRefused || damaged.has(savedKv()) || readdirSync(folder).length > 0) wrong.push(cut)
  }
  t.alike(wrong, [])
})

test('kv store - a byte that changed anywhere is noticed before its piece is used', async (t) => {
  const { folder, openStore, store } = await setUp(t)
  await store.write(savedKv(), piecesOf())
  const path = join(folder, readdirSync(folder)[0] as string)
  const whole = readFileSync(path)
  const wrong: number[] = []
  for (const at of [...whole.keys()].filter(
    (i) => i < 400 || i % 89 === 0 || i > FILE_BYTES - 50
  )) {
    const bytes = Buffer.from(whole)
    bytes[at] = (bytes[at] as number) ^ 0x10
    writeFileSync(path, bytes)
    const damaged = openStore()
    const said = await readAll(damaged, savedKv())
    if (typeof said !== 'string' || !said.startsWith('STORE_UNREADABLE') || damaged.files > 0) {
      wrong.push(at)
    }
  }
  t.alike(wrong, [])
})

test('kv store - a file serves its origin, model, arithmetic, KV type and layers only', async (t) => {
  const { folder, store } = await setUp(t)
  await store.write(savedKv(), piecesOf())
  for (const changes of [{ origin: keyOf('b') }, { layers: { start: 0, end: 3 } }, named(2)]) {
    t.absent(store.has(savedKv(changes)))
  }
  for (const changes of [
    { modelId: 'ee'.repeat(32) },
    { arithmetic: 2 },
    { kvType: 'f32' }
  ] as Partial<SavedKv>[]) {
    const said = await readAll(store, savedKv(changes))
    const what = 'of another model, arithmetic, format or origin: computed anew'
    t.is(said, `STORE_UNREADABLE saved keys and values are ${what}`)
  }
  // A file under another's name is still not theirs.
  const [file] = readdirSync(folder) as [string]
  const theirs = file.replace(keyOf('a'), keyOf('b'))
  writeFileSync(join(folder, theirs), readFileSync(join(folder, file)))
  const said = await readAll(store, savedKv({ origin: keyOf('b') }))
  t.ok(typeof said === 'string' && said.includes('origin'), String(said))
  t.alike(await readAll(store, savedKv()), PIECES, 'nothing is lost over it')
})

test('kv store - stays within its bytes, the file used longest ago goes first', async (t) => {
  const { folder, openStore, store } = await setUp(t, 3 * FILE_BYTES)
  for (const number of [1, 2, 3]) await store.write(savedKv(named(number)), piecesOf())
  await readAll(store, savedKv(named(1)))
  await store.write(savedKv(named(4)), piecesOf())
  const left = (one: KvStore) => [1, 2, 3, 4].filter((number) => one.has(savedKv(named(number))))
  t.alike(left(store), [1, 3, 4])
  t.is(readdirSync(folder).length, 3)
  // After a restart the files themselves say when they were used.
  const oldest = readdirSync(folder).find((file) => file.startsWith('04')) as string
  utimesSync(join(folder, oldest), 1, 1)
  const later = openStore()
  await later.write(savedKv(named(5)), piecesOf())
  t.alike(left(later), [1, 3])
})

test('kv store - more than its bound is refused, and nothing of it is left', async (t) => {
  const { folder, store } = await setUp(t, 5000)
  const write = store.write(savedKv(), piecesOf())
  await t.exception(write, /more than the 4\.9 KiB kept on disk here/)
  t.alike([readdirSync(folder), store.files], [[], 0])
})

test('kv store - stays within its number of files', async (t) => {
  const { store } = await setUp(t)
  const one = [new Uint8Array(1)]
  for (let i = 0; i < KV_SAVED_FILES_MAX + 2; i++) {
    const layers = { start: i, end: i + 1 }
    await store.write(savedKv({ layers }), piecesOf(one))
  }
  t.is(store.files, KV_SAVED_FILES_MAX)
  t.absent(store.has(savedKv({ layers: { start: 1, end: 2 } })))
})

test('kv store - a write that fails keeps what was there, and a crash leaves no draft', async (t) => {
  const { folder, openStore, store } = await setUp(t)
  await store.write(savedKv(), piecesOf())
  async function* broken(): AsyncGenerator<Uint8Array, void> {
    yield PIECES[2] as Uint8Array
    throw new SwarmError('PEER_GONE', 'this peer is stopping')
  }
  await t.exception(store.write(savedKv(), broken()), /stopping/)
  t.is(readdirSync(folder).length, 1)
  t.alike(await readAll(store, savedKv()), PIECES)
  writeFileSync(join(folder, 'half.kv.new'), 'x')
  t.is(openStore().files, 1)
  t.is(readdirSync(folder).length, 1)
})

test('kv store - a folder that cannot be made is one sentence without a path', async (t) => {
  const folder = await t.tmp()
  writeFileSync(join(folder, 'saved'), 'a file')
  const store = new KvStore(join(folder, 'saved'), systemClock)
  t.is(store.files, 0)
  try {
    await store.write(savedKv(), piecesOf())
    t.fail('it was written')
  } catch (error) {
    t.is((error as SwarmError).code, 'STORE_UNREADABLE')
    t.absent(String(error).includes(folder))
  }
})
