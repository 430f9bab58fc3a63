// The one corestore of a data directory: opens it, gives its logs out by name or by key, and brings what was
// written to the disk. RocksDB writes its own log ahead of everything else, but leaves it to the system when
// that reaches the disk; a flush of the whole store takes 4 ms, a sync of that one file 0.2. Turns the
// failures of the libraries below into errors with a next step. Knows nothing of what the logs hold.

import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'

import { SwarmError } from '../../base/errors.ts'
import { fromHex } from '../../base/text.ts'
import { syncFolder } from './saved-file.ts'

import type Hypercore from 'hypercore'

/**
 * From the last news of a log of another until its channels are closed (followed-log.ts). Long against the
 * pauses within a file that is learnt, short against the days that logs of authors who have gone are kept.
 */
const REST_MS = 10_000

/**
 * A log that its author rewrites is not followed there. Requests in flight for one log, over UDX by its round
 * trip; over TCP three times the first: 24 blocks keep a link of 1 ms busy, and what all logs answer at
 * once stays below BATCH_MESSAGES_MAX.
 */
const SHAPE = {
  allowFork: false,
  inflightRange: [8, 64] as [number, number],
  notDownloadingLinger: REST_MS
}

export class Shelf {
  readonly #folder: string
  readonly #store: Corestore
  #wal: { path: string; file: FileHandle } | null = null
  #syncing: Promise<unknown> = Promise.resolve()
  #queued: Promise<void> | null = null

  private constructor(folder: string, store: Corestore) {
    this.#folder = folder
    this.#store = store
  }

  /** @throws STORE_BUSY, STORE_UNREADABLE, STORE_FULL naming the folder. */
  static async open(folder: string): Promise<Shelf> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const store = new Corestore(folder)
      await store.ready()
      return new Shelf(folder, store)
    } catch (error) {
      throw storeError(error, folder)
    }
  }

  /** A log of our own; made when there is none of that name. */
  named(name: string): Promise<Hypercore> {
    return this.#ready(this.#store.get({ name, ...SHAPE }))
  }

  /** @param key 64 hex digits. */
  keyed(key: string): Promise<Hypercore> {
    const bytes = Buffer.from(fromHex(key, 32) as Uint8Array)
    return this.#ready(this.#store.get({ key: bytes, ...SHAPE }))
  }

  /** What was appended before the call is on stable storage when it resolves. */
  sync(): Promise<void> {
    // Whoever comes before it has begun is served by it as well.
    this.#queued ??= this.#syncing.then(() => {
      this.#queued = null
      const running = this.#sync()
      this.#syncing = running.catch(() => {})
      return running
    })
    return this.#queued
  }

  /** With the reason why this store failed. */
  error(cause: unknown): SwarmError {
    return storeError(cause, this.#folder)
  }

  async close(): Promise<void> {
    await this.#queued?.catch(() => {})
    await this.#syncing
    await this.#store.close()
    await this.#wal?.file.close()
    this.#wal = null
  }

  async #ready(core: Hypercore): Promise<Hypercore> {
    try {
      await core.ready()
      tolerateLostHints(core)
      return core
    } catch (error) {
      throw this.error(error)
    }
  }

  async #sync(): Promise<void> {
    const database = join(this.#folder, 'db')
    const { path } = await this.#store.storage.rocks.currentWalFile()
    // The last append may have gone to the file before: it stays open until it is synced as well.
    await this.#wal?.file.datasync()
    if (this.#wal?.path === path) return
    const file = await open(join(database, path), 'r+')
    await file.datasync()
    await syncFolder(database)
    await this.#wal?.file.close()
    this.#wal = { path, file }
  }
}

/**
 * Hypercore writes hints about what peers have whenever they say so, and where that fails the error ends the
 * connection to the peer. They are only hints: what they say is found out anew when the log is opened.
 */
function tolerateLostHints({ core }: Hypercore): void {
  const flushHints = core.flushHints.bind(core)
  core.flushHints = () => flushHints().catch(() => {})
}

/** RocksDB says no more than this when a write fails, and nearly always it is the disk. */
const NOT_WRITTEN = /not applied|no space|ENOSPC|EDQUOT|disk quota/i

function storeError(cause: unknown, folder: string): SwarmError {
  if (cause instanceof SwarmError) return cause
  const { code = '', message } = cause as NodeJS.ErrnoException
  const again = 'remove it, and what others have comes back'
  if (/could not be locked/.test(message)) {
    const text = `The store ${folder} is in use by another process; stop that with swarm stop`
    return new SwarmError('STORE_BUSY', text, { cause })
  }
  if (code === 'DEVICE_FILE') {
    const text = `The store ${folder} was copied, and the two would contradict each other; ${again}`
    return new SwarmError('STORE_UNREADABLE', text, { cause })
  }
  if (NOT_WRITTEN.test(`${code} ${message}`)) {
    const text = `The disk of ${folder} is full: nothing learnt is lost; free some space and try again`
    return new SwarmError('STORE_FULL', text, { cause })
  }
  const text = `The store ${folder} cannot be used: ${message}; if it is damaged, ${again}`
  return new SwarmError('STORE_UNREADABLE', text, { cause })
}
