// One log that this installation writes. Owns its high-water mark, and with it the two promises of the store:
// what is acknowledged is on stable storage, and no log is ever forked. Each batch goes
//
//   RocksDB's own log synced --> mark with the blocks, synced --> log (peers hear of it) --> acknowledged
//
// so that a crash at any point leaves either the log as it was, or blocks in the mark that are appended
// again exactly as peers may have them: the mark takes the place of one whose blocks are safe. Nothing is
// appended while less is here than the mark says, or than a peer shows:
//
//   ready  --less than the mark, or than a peer--> restoring --all is back--> ready
//   lost: what is here contradicts the mark, or there is no mark; for good
//
// Does not fetch (followed-log.ts) and does not begin new logs (own-writer.ts).

import { CLAIM_MS } from '../../base/limits.ts'
import { toHex } from '../../base/text.ts'
import { MARK_BLOCK_OVERHEAD_BYTES, MARK_BLOCKS_BYTES_MAX, MarkFile } from './mark-file.ts'

import type Hypercore from 'hypercore'
import type { Clock } from '../../base/clock.ts'
import type { Mark } from './mark-file.ts'
import type { Shelf } from './shelf.ts'

export type OwnState = 'ready' | 'restoring' | 'lost'

export class OwnLog {
  readonly core: Hypercore
  readonly #shelf: Shelf
  readonly #mark: MarkFile
  readonly #clock: Clock
  /** Since when each peer has said that it has more, by its key. */
  readonly #claims = new Map<string, number>()
  #isLost = false
  #isAppending = false
  #busy: Promise<unknown> = Promise.resolve()
  /** What the present mark could repeat is on stable storage by itself. */
  #synced: Promise<void>

  private constructor(shelf: Shelf, core: Hypercore, mark: MarkFile, clock: Clock) {
    this.#shelf = shelf
    this.core = core
    this.#mark = mark
    this.#clock = clock
    // What the process before us appended last may have reached the system and not the disk.
    this.#synced = shelf.sync()
    this.#synced.catch(() => {})
    core.on('conflict', () => (this.#isLost = true))
    // Whoever gave us more of our own log, signed by us, may have still more.
    core.on('append', () => this.#isAppending || this.#claims.clear())
  }

  /** @param markPath of a file in a folder that exists. @throws STORE_* */
  static async open(shelf: Shelf, name: string, markPath: string, clock: Clock): Promise<OwnLog> {
    const core = await shelf.named(name)
    try {
      const mark = await MarkFile.open(markPath)
      const log = new OwnLog(shelf, core, mark, clock)
      if (mark.last === null && core.length === 0) await log.#setMark([])
      return log
    } catch (error) {
      throw shelf.error(error)
    }
  }

  /** 64 hex digits. */
  get key(): string {
    return toHex(this.core.key)
  }

  /** How the log stands now. Finishes what a crash has cut short. @throws STORE_* */
  state(): Promise<OwnState> {
    return this.#alone(() => this.#state())
  }

  /**
   * On stable storage when it resolves; only where state() was 'ready'.
   * @throws STORE_FULL, STORE_UNREADABLE; then some blocks may be in the log, but none is acknowledged.
   */
  append(blocks: Uint8Array[]): Promise<void> {
    return this.#alone(async () => {
      for (const group of groupsOf(blocks)) {
        await this.#setMark(group)
        await this.#append(group)
      }
    })
  }

  async close(): Promise<void> {
    await this.#busy
    await this.#synced.catch(() => {})
    await this.core.close()
    await this.#mark.close()
  }

  /** One after the other: both look at the log and its mark, and may write. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#busy.then(work).catch((error) => {
      throw this.#shelf.error(error)
    })
    this.#busy = next.catch(() => {})
    return next
  }

  async #state(): Promise<OwnState> {
    const { core } = this
    const mark = this.#mark.last
    if (this.#isLost || core.closing !== null) return 'lost'
    if (mark === null || mark.key !== this.key || !core.writable) return 'lost'
    if (core.length < mark.length || core.contiguousLength < core.length) return 'restoring'
    if (!(await this.#agrees(mark))) return 'lost'
    if (core.length === mark.length && mark.blocks.length > 0) await this.#append(mark.blocks)
    if (this.#isBehind()) return 'restoring'
    await this.#trust()
    return 'ready'
  }

  async #setMark(blocks: Uint8Array[]): Promise<void> {
    try {
      await this.#synced
    } catch {
      this.#synced = this.#shelf.sync()
      await this.#synced
    }
    const { length } = this.core
    const treeHash = new Uint8Array(await this.core.treeHash(length))
    await this.#mark.write({ key: this.key, length, treeHash, blocks })
  }

  async #append(blocks: Uint8Array[]): Promise<void> {
    this.#isAppending = true
    try {
      await this.core.append(blocks)
    } finally {
      this.#isAppending = false
    }
    this.#synced = this.#shelf.sync()
    this.#synced.catch(() => {})
  }

  async #agrees({ length, treeHash, blocks }: Mark): Promise<boolean> {
    const { core } = this
    const hash = Buffer.from(await core.treeHash(length))
    if (!hash.equals(treeHash)) return false
    const there = blocks.slice(0, core.length - length)
    const found = await Promise.all(there.map((_, at) => core.get(length + at, { wait: false })))
    return there.every((block, at) => Buffer.compare(block, found[at] ?? new Uint8Array()) === 0)
  }

  /**
   * A backup that was put back agrees with its own mark; peers know better. That they have more is only
   * said: a peer that does not show it, with our signature, is believed for a while and then no longer.
   */
  #isBehind(): boolean {
    const { peers, fork, length } = this.core
    const nowMs = this.#clock.now()
    return peers.some(({ remotePublicKey, remoteSynced, remoteFork, remoteLength }) => {
      if (!remoteSynced || remoteFork !== fork || remoteLength <= length) return false
      const key = toHex(remotePublicKey)
      const sinceMs = this.#claims.get(key) ?? nowMs
      this.#claims.set(key, sinceMs)
      return nowMs - sinceMs < CLAIM_MS
    })
  }

  /** Hypercore's own caution after a repair waits for peers on every append; the mark has told us. */
  async #trust(): Promise<void> {
    const { recovering, core } = this.core
    if (recovering === 0) return
    core.header.hints.recovering = 0
    core.hintsChanged = true
    await core.flushHints()
  }
}

/** In order, each as much as one mark holds. */
function groupsOf(blocks: Uint8Array[]): Uint8Array[][] {
  const groups: Uint8Array[][] = []
  let sizeBytes = Infinity
  for (const block of blocks) {
    const blockBytes = MARK_BLOCK_OVERHEAD_BYTES + block.byteLength
    if (sizeBytes + blockBytes > MARK_BLOCKS_BYTES_MAX) {
      groups.push([])
      sizeBytes = 0
    }
    sizeBytes += blockBytes
    groups.at(-1)?.push(block)
  }
  return groups
}
