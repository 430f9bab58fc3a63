// One log that this installation writes. Owns its high-water mark: what is acknowledged is in the log's
// store, on stable storage, and under the mark, in this order and before any peer hears of it. And the one
// rule that keeps a log from being forked: nothing is appended unless everything up to the mark is here,
// with the tree hash of the mark, and no peer has more of it.
//
//   ready  --less than the mark, or than a peer--> restoring --all is back--> ready
//   lost: what is here contradicts the mark, or there is no mark; for good
//
// Does not fetch (followed-log.ts) and does not begin new logs (log-set.ts).

import { CLAIM_MS } from '../../base/limits.ts'
import { toHex } from '../../base/text.ts'
import { MarkFile } from './mark-file.ts'

import type Hypercore from 'hypercore'
import type { Clock } from '../../base/clock.ts'
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

  private constructor(shelf: Shelf, core: Hypercore, mark: MarkFile, clock: Clock) {
    this.#shelf = shelf
    this.core = core
    this.#mark = mark
    this.#clock = clock
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
      if (mark.last === null && core.length === 0) await log.#setMark()
      return log
    } catch (error) {
      throw shelf.error(error)
    }
  }

  /** 64 hex digits. */
  get key(): string {
    return toHex(this.core.key)
  }

  /** How the log stands now; 'ready' is what append() asks for. @throws STORE_* */
  async state(): Promise<OwnState> {
    const { core } = this
    const mark = this.#mark.last
    if (this.#isLost || core.closing !== null) return 'lost'
    if (mark === null || mark.key !== this.key || !core.writable) return 'lost'
    try {
      if (core.length < mark.length || core.contiguousLength < core.length) return 'restoring'
      const hash = Buffer.from(await core.treeHash(mark.length))
      if (!hash.equals(mark.treeHash)) return 'lost'
      if (this.#isBehind()) return 'restoring'
      await this.#trust()
      if (core.length > mark.length) await this.#setMark()
      return 'ready'
    } catch (error) {
      throw this.#shelf.error(error)
    }
  }

  /**
   * On stable storage when it resolves. One caller at a time, and only where state() was 'ready'.
   * @throws STORE_FULL, STORE_UNREADABLE; then the blocks may be in the log, but none is acknowledged.
   */
  async append(blocks: Uint8Array[]): Promise<void> {
    let fault: unknown = null
    const postappend = async () => {
      try {
        await this.#setMark()
      } catch (error) {
        // Thrown here it would leave the log in memory at odds with the one in the store.
        fault = error
      }
    }
    this.#isAppending = true
    try {
      await this.core.append(blocks, { postappend })
    } catch (error) {
      throw this.#shelf.error(error)
    } finally {
      this.#isAppending = false
    }
    if (fault !== null) throw this.#shelf.error(fault)
  }

  async close(): Promise<void> {
    await this.core.close()
    await this.#mark.close()
  }

  async #setMark(): Promise<void> {
    const { length } = this.core
    await this.#shelf.sync()
    const treeHash = new Uint8Array(await this.core.treeHash(length))
    await this.#mark.write({ key: this.key, length, treeHash })
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
