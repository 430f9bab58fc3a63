// Saved keys and values on a disk that is full, a real one: said in one sentence, nothing half-written, and
// what was saved before is still there.

import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { seededRandom } from '../../src/base/random.ts'
import { KvStore } from '../../src/compute/kv-store.ts'
import { sessionIdOf } from '../../src/wire/ids.ts'
import { smallDisk } from '../helpers/small-disk.ts'
import { keyOf } from '../helpers/views.ts'

import type { SwarmError } from '../../src/base/errors.ts'
import type { SavedKv } from '../../src/compute/kv-file.ts'

const DISK_MIB = 1
const SMALL = [seededRandom(1).bytes(100_000)]
/** More than the disk holds; the last piece that fits leaves room for a part of the next. */
const LARGE = [1, 2, 3, 4, 5].map((seed) => seededRandom(seed).bytes(300_000))

function savedKv(number: number): SavedKv {
  return {
    name: sessionIdOf(new Uint8Array(16).fill(number)),
    origin: keyOf('a'),
    modelId: 'dd'.repeat(32),
    arithmetic: 1,
    kvType: 'f16',
    layers: { start: 0, end: 4 }
  }
}

async function* piecesOf(pieces: Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* pieces
}

async function readAll(store: KvStore, saved: SavedKv): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(saved)) pieces.push(piece.slice())
  return pieces
}

async function failureOf(work: Promise<unknown>): Promise<SwarmError | null> {
  return await work.then(
    () => null,
    (error: SwarmError) => error
  )
}

/** What is wrong after a write that the disk had no room for. */
function isClear(t: Test, error: SwarmError | null, folder: string): void {
  t.is(error?.code, 'STORE_FULL')
  t.is(error?.message, 'the disk is full: free some space in the data directory and save again')
  t.absent(String(error).includes(folder), 'no path of this machine')
}

test('kv disk - a save that does not fit is refused in words and leaves the others whole', async (t) => {
  const disk = await smallDisk(t, DISK_MIB)
  if (disk === null) return
  const folder = join(disk.folder, 'saved')
  const store = new KvStore(folder, systemClock)
  await store.write(savedKv(1), piecesOf(SMALL))
  const before = readdirSync(folder)
  const freeBlocks = statfsSync(folder).bfree
  isClear(t, await failureOf(store.write(savedKv(2), piecesOf(LARGE))), folder)
  t.alike(readdirSync(folder), before, 'no draft, no half file')
  t.is(statfsSync(folder).bfree, freeBlocks, 'and none of its bytes')
  t.alike([store.files, store.has(savedKv(2))], [1, false])
  t.alike(await readAll(store, savedKv(1)), SMALL)
  const later = new KvStore(folder, systemClock)
  t.alike([later.files, later.sizeBytes], [store.files, store.sizeBytes])
  disk.grow(4)
  await store.write(savedKv(2), piecesOf(LARGE))
  t.alike(await readAll(store, savedKv(2)), LARGE, 'there is room: saved')
})

test('kv disk - saving a session anew keeps its last save where the new one does not fit', async (t) => {
  const disk = await smallDisk(t, DISK_MIB)
  if (disk === null) return
  const folder = join(disk.folder, 'saved')
  const store = new KvStore(folder, systemClock)
  await store.write(savedKv(1), piecesOf(SMALL))
  isClear(t, await failureOf(store.write(savedKv(1), piecesOf(LARGE))), folder)
  t.alike(await readAll(store, savedKv(1)), SMALL)
})

test('kv disk - without a byte left nothing is written, and with room again everything is', async (t) => {
  const disk = await smallDisk(t, DISK_MIB)
  if (disk === null) return
  const folder = join(disk.folder, 'saved')
  const filler = join(disk.folder, 'filler')
  const { bfree, bsize } = statfsSync(disk.folder)
  writeFileSync(filler, new Uint8Array(bfree * bsize))
  const store = new KvStore(folder, systemClock)
  isClear(t, await failureOf(store.write(savedKv(1), piecesOf(SMALL))), folder)
  t.alike(store.files, 0)
  rmSync(filler)
  await store.write(savedKv(1), piecesOf(SMALL))
  t.alike(await readAll(store, savedKv(1)), SMALL)
})
