// Flow A, serving side: keys and values of sessions on its own disk. Owns the way of a cache to a file
// and back: to it while the session goes on, from it to the shelf before the session that names it opens,
// which then finds it there as if it had never left memory. Decides nothing about sessions (stage-host.ts);
// the files are compute/kv-store.ts. What cannot be read back is computed again.

import { SwarmError, toSwarmError } from '../base/errors.ts'
import { KV_SAVES_WAITING_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { KV_PAGE_TOKENS } from '../compute/stage.ts'
import { containsAll, type LayerRange } from '../model/layer-range.ts'
import { shortId, type PeerId, type SessionId } from '../wire/ids.ts'
import { ownStage } from './admission.ts'

import type { SavedKv } from '../compute/kv-file.ts'
import type { KvStore } from '../compute/kv-store.ts'
import type { Log } from '../base/log.ts'
import type { Stage, StageCache } from '../compute/stage.ts'
import type { SavedMessage, SaveMessage } from '../wire/errands.ts'
import type { KvType, OpenMessage, OpenPrefix } from '../wire/session.ts'
import type { HostedSession } from './hosted-session.ts'
import type { StageRoom, StageRoomOptions } from './stage-room.ts'

// Copying one piece holds up a step of the sessions that run by 1 or 2 ms.
const PIECE_BYTES = 8 * 2 ** 20
// Positions that are not read by then are computed: within OPEN_TIMEOUT_MS, which the origin waits.
const RESTORE_MS_MAX = 3_000
const ERROR_TEXT_CHARS = 400

/** An open that waits for what it names; set aside when its origin changes its mind. */
interface Waiting {
  origin: PeerId
  open: OpenMessage
  /** What is not read by then is computed. */
  untilMs: number
}

export interface SavedCachesOptions extends StageRoomOptions {
  log: Log
  /** Where origins may have keys and values saved; absent: nowhere. */
  store?: KvStore
}

export class SavedCaches {
  readonly #options: SavedCachesOptions
  readonly #tell: (to: PeerId, message: SavedMessage) => void
  readonly #room: StageRoom
  readonly #waiting = new Set<Waiting>()
  #saving: Promise<unknown> = Promise.resolve()
  #restoring: Promise<unknown> = Promise.resolve()
  #saves = 0
  #isClosed = false

  /** @param tell whoever asked, if it is still there. */
  constructor(
    options: SavedCachesOptions,
    room: StageRoom,
    tell: (to: PeerId, message: SavedMessage) => void
  ) {
    this.#options = options
    this.#room = room
    this.#tell = tell
  }

  /**
   * Stores the first positions of a session, which goes on meanwhile, and tells how many there were.
   * @param session null where it is not held here.
   */
  save(from: PeerId, session: HostedSession | null, message: SaveMessage): void {
    const { session: id, index, name } = message
    const tell = (tokens: number, text: string) => {
      this.#tell(from, { type: 'saved', session: id, index, name, tokens, text })
    }
    this.#save(from, session, message).then(
      (tokens) => tell(tokens, ''),
      (error) => tell(0, clip(toSwarmError(error, 'STORE_UNREADABLE').message, ERROR_TEXT_CHARS))
    )
  }

  /**
   * Reads what an open names, if it was saved here and is not on the shelf.
   * @param ready called once when it is there, or cannot be; not where the open is set aside before.
   * @returns false where there is nothing to wait for.
   */
  restore(origin: PeerId, open: OpenMessage, ready: () => void): boolean {
    const { prefix } = open
    const { store } = this.#options
    const own = (waiting: Waiting) => {
      return waiting.origin === origin && waiting.open.session === open.session
    }
    for (const waiting of this.#waiting) {
      if (own(waiting) && waiting.open.epoch < open.epoch) this.#waiting.delete(waiting)
      // The same again.
      else if (own(waiting) && waiting.open.index === open.index) return true
    }
    if (prefix === null || !store || this.#waiting.size >= KV_SAVES_WAITING_MAX) return false
    const { start, end } = ownStage(open)
    const key = { name: prefix.session, origin, layers: { start, end } }
    const isShelved = this.#room.shelf.has(prefix.session, origin, key.layers)
    if (isShelved || !store.has(key)) return false
    const waiting = { origin, open, untilMs: this.#options.clock.now() + RESTORE_MS_MAX }
    this.#waiting.add(waiting)
    this.#restoring = this.#restoring.then(async () => {
      if (this.#waiting.has(waiting)) await this.#read(store, waiting, prefix)
      if (this.#waiting.delete(waiting) && !this.#isClosed) ready()
    })
    return true
  }

  /** The origin has closed the session, or (null) is gone. */
  setAside(origin: PeerId, session: SessionId | null): void {
    for (const waiting of this.#waiting) {
      const isIt = session === null || waiting.open.session === session
      if (waiting.origin === origin && isIt) this.#waiting.delete(waiting)
    }
  }

  /** Resolves when nothing is read or written any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#waiting.clear()
    await Promise.all([this.#saving, this.#restoring])
  }

  /** @throws why nothing is saved. */
  async #save(from: PeerId, session: HostedSession | null, message: SaveMessage): Promise<number> {
    const { store } = this.#options
    if (session?.origin !== from) {
      throw new SwarmError('STAGE_UNKNOWN_SESSION', 'the session is not held here')
    }
    if (store === undefined) throw new SwarmError('PEER_REFUSED', 'nothing is saved here')
    const { cache, open, certainTokens } = session
    const tokens = Math.min(message.tokens, certainTokens)
    if (tokens === 0) throw new SwarmError('STAGE_POSITION_GAP', 'nothing of it is computed here')
    if (this.#saves >= KV_SAVES_WAITING_MAX || this.#isClosed) {
      throw new SwarmError('PEER_BUSY', 'too much is being saved here already: save again later')
    }
    // A copy that shares its pages: what the session does next does not change it.
    const copy = cache.fork(tokens, tokens)
    const saved = this.#savedOf(message.name, from, open)
    this.#saves++
    const write = this.#saving.then(() => store.write(saved, this.#piecesOf(copy, saved)))
    this.#saving = write.catch(() => {})
    try {
      await write
      return tokens
    } finally {
      this.#saves--
      copy.close()
    }
  }

  async *#piecesOf(cache: StageCache, saved: SavedKv): AsyncGenerator<Uint8Array, void> {
    const { stage } = this.#options
    const { layers, modelId } = saved
    const step = pieceTokens(stage, layers, cache.kvType)
    for (let start = 0; start < cache.length; start += step) {
      if (this.#isClosed) throw new SwarmError('PEER_GONE', 'this peer is stopping')
      const end = Math.min(start + step, cache.length)
      yield await stage.exportCache(cache, { modelId, layers, start, end })
    }
  }

  async #read(
    store: KvStore,
    { origin, open, untilMs }: Waiting,
    { session: name, tokens }: OpenPrefix
  ): Promise<void> {
    const { stage, clock, log } = this.#options
    const saved = this.#savedOf(name, origin, open)
    const { layers, modelId } = saved
    // An open that is not for us is refused later, in words.
    if (open.modelId !== modelId || clock.now() > untilMs) return
    // The last piece is taken whole.
    const capacityTokens = tokens + pieceTokens(stage, layers, open.kvType)
    if (!this.#room.makeRoomFor(stage.cacheBytes(layers, capacityTokens, open.kvType))) return
    let cache: StageCache | null = null
    try {
      for await (const piece of store.read(saved)) {
        cache ??= stage.openCache(layers, capacityTokens, open.kvType)
        await stage.importCache(cache, modelId, piece)
        if (cache.length >= tokens || clock.now() > untilMs || this.#isClosed) break
      }
      // The layers may have gone meanwhile, or all of the host.
      const isServed = containsAll(this.#room.standing.admitted, [layers])
      if (cache !== null && isServed) {
        // Which ids they are of is the origin's to know.
        this.#room.shelf.put(name, origin, { cache, ids: [] }, clock.now())
      } else cache?.close()
    } catch (error) {
      cache?.close()
      log.warn(
        `session ${shortId(open.session)}: ${toSwarmError(error, 'STORE_UNREADABLE').message}`
      )
    }
  }

  #savedOf(name: SessionId, origin: PeerId, open: OpenMessage): SavedKv {
    const { modelId } = this.#options
    const { start, end } = ownStage(open)
    const { arithmeticVersion: arithmetic, kvType } = open
    return { name, origin, modelId, arithmetic, kvType, layers: { start, end } }
  }
}

/** Positions of one piece in a file. */
function pieceTokens(stage: Stage, layers: LayerRange, kvType: KvType): number {
  // Of a whole page, or the bytes of one position would be those of a page.
  const tokenBytes = stage.cacheBytes(layers, KV_PAGE_TOKENS, kvType) / KV_PAGE_TOKENS
  return Math.max(1, Math.floor(PIECE_BYTES / tokenBytes))
}
