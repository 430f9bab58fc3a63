// Flow A, keys and values on disk: the folder of one peer's saved sessions. Owns its files, each written
// whole or not at all, their number and bytes, the one used longest ago dropped first. Nothing in it is
// needed: what is lost is computed again. Knows no cache and no session (pipeline/saved-caches.ts).

import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { SwarmError } from '../base/errors.ts'
import { KV_SAVED_BYTES_MAX, KV_SAVED_FILES_MAX } from '../base/limits.ts'
import { formatSize } from '../base/text.ts'
import {
  checkKvFileHeader,
  DamagedKv,
  encodeKvFileHeader,
  KV_FILE_HEADER_BYTES,
  KV_FRAME_BYTES,
  KvFrames,
  type SavedKv
} from './kv-file.ts'

import type { Clock } from '../base/clock.ts'

/** What tells one file of a peer from the others. */
export type SavedKey = Pick<SavedKv, 'name' | 'origin' | 'layers'>

const FILE_NAME = /^[0-9a-f]{32}\.[0-9a-f]{64}\.\d+-\d+\.kv$/
const DRAFT = '.new'

export class KvStore {
  readonly #folder: string
  readonly #clock: Clock
  readonly #bytesMax: number
  /** Bytes of each file by its name, the one used longest ago first. */
  readonly #sizes = new Map<string, number>()

  /** @param folder made with the first file; where it cannot be read there is nothing saved. */
  constructor(folder: string, clock: Clock, bytesMax = KV_SAVED_BYTES_MAX) {
    this.#folder = folder
    this.#clock = clock
    this.#bytesMax = bytesMax
    this.#scan()
    this.#makeRoom(0)
  }

  get files(): number {
    return this.#sizes.size
  }

  get sizeBytes(): number {
    return [...this.#sizes.values()].reduce((sum, sizeBytes) => sum + sizeBytes, 0)
  }

  has(key: SavedKey): boolean {
    return this.#sizes.has(fileOf(key))
  }

  /**
   * Stores pieces under a key, in place of what was there. On stable storage when it resolves; where it
   * fails nothing is left of it. One at a time.
   * @throws STORE_FULL, STORE_UNREADABLE; what the pieces throw.
   */
  async write(saved: SavedKv, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const file = fileOf(saved)
    const draft = this.#at(file + DRAFT)
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      const handle = await open(draft, 'w', 0o600)
      let sizeBytes = 0
      try {
        sizeBytes = await this.#writeAll(handle, saved, pieces)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, this.#at(file))
      this.#sizes.delete(file)
      this.#sizes.set(file, sizeBytes)
      this.#makeRoom(0)
      await this.#syncFolder()
    } catch (error) {
      await rm(draft, { force: true }).catch(() => {})
      throw diskError(error)
    }
  }

  /**
   * The pieces of a file, each checked, to its end. A damaged file is deleted.
   * @throws STORE_UNREADABLE
   */
  async *read(expected: SavedKv): AsyncGenerator<Uint8Array, void> {
    const file = fileOf(expected)
    try {
      const handle = await open(this.#at(file), 'r')
      try {
        this.#touch(file)
        yield* readAll(handle, expected)
      } finally {
        await handle.close()
      }
    } catch (error) {
      if (error instanceof DamagedKv) this.#drop(file)
      throw diskError(error)
    }
  }

  async #writeAll(
    handle: FileHandle,
    saved: SavedKv,
    pieces: AsyncIterable<Uint8Array>
  ): Promise<number> {
    const header = encodeKvFileHeader(saved)
    const frames = new KvFrames(header)
    let sizeBytes = 0
    const add = async (bytes: Uint8Array) => {
      sizeBytes += bytes.byteLength
      // Before the bytes are there: the folder is never above its bound.
      this.#makeRoom(sizeBytes)
      await handle.writeFile(bytes)
    }
    await add(header)
    for await (const piece of pieces) {
      await add(frames.encode(piece))
      await add(piece)
    }
    await add(frames.encode(new Uint8Array()))
    return sizeBytes
  }

  /** Drops files until so many bytes more are within the bounds. @throws STORE_FULL */
  #makeRoom(moreBytes: number): void {
    if (moreBytes > this.#bytesMax) {
      const most = formatSize(this.#bytesMax)
      const text = `keys and values of this session are more than the ${most} kept on disk here`
      throw new SwarmError('STORE_FULL', text)
    }
    let usedBytes = this.sizeBytes
    for (const [file, sizeBytes] of this.#sizes) {
      const isFew = this.#sizes.size <= KV_SAVED_FILES_MAX
      if (isFew && usedBytes + moreBytes <= this.#bytesMax) return
      this.#drop(file)
      usedBytes -= sizeBytes
    }
  }

  #drop(file: string): void {
    this.#sizes.delete(file)
    quietly(() => rmSync(this.#at(file), { force: true }))
  }

  /** It is the last to go now, also after a restart. */
  #touch(file: string): void {
    const sizeBytes = this.#sizes.get(file)
    if (sizeBytes === undefined) return
    this.#sizes.delete(file)
    this.#sizes.set(file, sizeBytes)
    const seconds = this.#clock.wallMs() / 1000
    quietly(() => utimesSync(this.#at(file), seconds, seconds))
  }

  #scan(): void {
    const names = quietly(() => readdirSync(this.#folder)) ?? []
    const found = names.flatMap((file) => {
      // What a crash left half written.
      if (file.endsWith(DRAFT)) quietly(() => rmSync(this.#at(file), { force: true }))
      if (!FILE_NAME.test(file)) return []
      const stat = quietly(() => statSync(this.#at(file)))
      return stat?.isFile() ? [{ file, sizeBytes: stat.size, usedMs: stat.mtimeMs }] : []
    })
    for (const { file, sizeBytes } of found.toSorted((a, b) => a.usedMs - b.usedMs)) {
      this.#sizes.set(file, sizeBytes)
    }
  }

  async #syncFolder(): Promise<void> {
    // Windows has no such thing, and journals its names.
    if (process.platform === 'win32') return
    const folder = await open(this.#folder, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  #at(file: string): string {
    return join(this.#folder, file)
  }
}

async function* readAll(handle: FileHandle, expected: SavedKv): AsyncGenerator<Uint8Array, void> {
  let leftBytes = (await handle.stat()).size
  const take = async (sizeBytes: number) => {
    const bytes = Buffer.allocUnsafe(sizeBytes)
    const { bytesRead } = await handle.read(bytes, 0, sizeBytes)
    leftBytes -= bytesRead
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytesRead)
  }
  const header = await take(KV_FILE_HEADER_BYTES)
  checkKvFileHeader(expected, header)
  const frames = new KvFrames(header)
  for (;;) {
    const frame = await take(KV_FRAME_BYTES)
    const piece = await take(frames.sizeOf(frame, leftBytes))
    frames.check(frame, piece)
    if (piece.byteLength === 0) break
    yield piece
  }
  if (leftBytes !== 0) throw new DamagedKv('something follows its end')
}

function fileOf({ name, origin, layers }: SavedKey): string {
  return `${name}.${origin}.${layers.start}-${layers.end}.kv`
}

/** What the disk refuses, in words that another peer may read: no path of this machine. */
function diskError(error: unknown): SwarmError {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const text = 'the disk is full: free some space in the data directory and save again'
    return new SwarmError('STORE_FULL', text, { cause: error })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const text = 'the data directory may not be written: mend its permissions and save again'
    return new SwarmError('STORE_UNREADABLE', text, { cause: error })
  }
  if (error instanceof SwarmError) return error
  const text = `keys and values on disk cannot be used (${code || 'unknown error'})`
  return new SwarmError('STORE_UNREADABLE', text, { cause: error })
}

function quietly<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
