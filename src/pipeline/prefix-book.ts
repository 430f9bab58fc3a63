// Flow B, origin side: which earlier prompts and answers of ours stages may still hold as keys and values,
// so that a prompt which begins like one of them is computed from where they part. The origin alone knows
// the ids, finds the longest beginning they share, to the id, and names the session it was; what a stage
// has really kept it says when it opens. Pure; stages keep theirs in prefix-shelf.ts.

import { PREFIXES_MAX, PREFIX_IDS_MAX } from '../base/limits.ts'

import type { SessionId } from '../wire/ids.ts'
import type { KvType, OpenPrefix, RouteStage } from '../wire/session.ts'

/** Shorter beginnings are computed again: finding and copying them would cost as much. */
export const PREFIX_TOKENS_MIN = 16

interface Entry {
  /** Keys and values are what these stages computed, in this order: no other route shares them. */
  route: string
  kvType: KvType
  ids: readonly number[]
}

export class PrefixBook {
  /** The one used longest ago first. */
  readonly #entries = new Map<SessionId, Entry>()
  #ids = 0

  get size(): number {
    return this.#entries.size
  }

  /** The session's caches now begin with these ids. Replaces what was known of it. */
  put(
    session: SessionId,
    stages: readonly RouteStage[],
    kvType: KvType,
    ids: readonly number[]
  ): void {
    this.remove(session)
    if (ids.length > PREFIX_IDS_MAX) return
    this.#entries.set(session, { route: routeKey(stages), kvType, ids: [...ids] })
    this.#ids += ids.length
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= PREFIXES_MAX && this.#ids <= PREFIX_IDS_MAX) break
      this.remove(oldest)
    }
  }

  remove(session: SessionId): void {
    this.#ids -= this.#entries.get(session)?.ids.length ?? 0
    this.#entries.delete(session)
  }

  /**
   * The session that shares the longest beginning with a prompt on this route, or null. The last id is
   * never part of it: its logits choose the first token.
   */
  find(stages: readonly RouteStage[], kvType: KvType, ids: readonly number[]): OpenPrefix | null {
    const route = routeKey(stages)
    let best: OpenPrefix | null = null
    for (const [session, entry] of this.#entries) {
      if (entry.route !== route || entry.kvType !== kvType) continue
      const tokens = commonLength(entry.ids, ids, ids.length - 1)
      if (tokens >= Math.max(PREFIX_TOKENS_MIN, (best?.tokens ?? 0) + 1)) best = { session, tokens }
    }
    if (best === null) return null
    const used = this.#entries.get(best.session) as Entry
    this.#entries.delete(best.session)
    this.#entries.set(best.session, used)
    return best
  }
}

/** How many ids both begin with, at most so many. */
export function commonLength(a: readonly number[], b: readonly number[], most: number): number {
  const end = Math.min(a.length, b.length, most)
  let length = 0
  while (length < end && a[length] === b[length]) length++
  return length
}

function routeKey(stages: readonly RouteStage[]): string {
  return stages.map(({ peer, start, end }) => `${peer} ${start} ${end}`).join(', ')
}
