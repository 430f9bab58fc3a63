// Flow A, serving side: caches of sessions that are over, kept because their origin may ask for a prompt
// that begins alike. Owns these caches, which go first when anybody needs the room, the one used longest
// ago before the others. What an origin put here serves that origin only: the ids behind keys and values
// are known to it alone, so another's could not be trusted.

import { PREFIXES_MAX } from '../base/limits.ts'

import type { StageCache } from '../compute/stage.ts'
import { containsAll, type LayerRange } from '../model/layer-range.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'

/** Keys and values, and the ids behind the first of them where this stage knows them. */
export interface Prefix {
  cache: StageCache
  ids: readonly number[]
}

interface Kept extends Prefix {
  origin: PeerId
  usedMs: number
}

export class PrefixShelf {
  /** By session and first layer, since one peer may have had several of its stages; oldest use first. */
  readonly #kept = new Map<string, Kept>()

  get size(): number {
    return this.#kept.size
  }

  /** Bytes of the pages that these caches refer to. */
  get sizeBytes(): number {
    return [...this.#kept.values()].reduce((sum, { cache }) => sum + cache.heldBytes, 0)
  }

  /** Takes over the cache of a session that has ended. */
  put(session: SessionId, origin: PeerId, prefix: Prefix, nowMs: number): void {
    const key = keyOf(session, prefix.cache.range)
    this.#drop(key)
    this.#kept.set(key, { ...prefix, origin, usedMs: nowMs })
    if (this.#kept.size > PREFIXES_MAX) this.#dropOldest()
  }

  /** The cache of these layers that this origin's session left; it stays here. */
  find(session: SessionId, origin: PeerId, range: LayerRange, nowMs: number): Prefix | null {
    const key = keyOf(session, range)
    const kept = this.#kept.get(key)
    if (kept?.origin !== origin) return null
    kept.usedMs = nowMs
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept
  }

  has(session: SessionId, origin: PeerId, range: LayerRange): boolean {
    return this.#kept.get(keyOf(session, range))?.origin === origin
  }

  /** Closes caches until so many bytes are free or none is left. */
  free(shortBytes: number): void {
    let left = shortBytes
    for (const { cache } of this.#kept.values()) {
      if (left <= 0) return
      left -= cache.heldBytes
      this.#dropOldest()
    }
  }

  /** Closes what nobody has used since, what an origin left, or what holds other layers. */
  dropUnused(sinceMs: number): void {
    this.#dropWhere(({ usedMs }) => usedMs < sinceMs)
  }

  dropOf(origin: PeerId): void {
    this.#dropWhere((kept) => kept.origin === origin)
  }

  dropOutside(keep: readonly LayerRange[]): void {
    this.#dropWhere(({ cache }) => !containsAll(keep, [cache.range]))
  }

  clear(): void {
    this.#dropWhere(() => true)
  }

  #dropWhere(isOver: (kept: Kept) => boolean): void {
    for (const [key, kept] of this.#kept) if (isOver(kept)) this.#drop(key)
  }

  #dropOldest(): void {
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#drop(oldest)
  }

  #drop(key: string): void {
    this.#kept.get(key)?.cache.close()
    this.#kept.delete(key)
  }
}

function keyOf(session: SessionId, { start, end }: LayerRange): string {
  return `${session} ${start} ${end}`
}
