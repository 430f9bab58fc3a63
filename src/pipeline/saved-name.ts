// Flow B, origin side: the name of saved keys and values, made of everything that decides their bits. Whoever
// has the ids finds what was saved of them and nothing else; a file whose ids were changed names nothing.
// Pure. No stage can check a name, so each gives its origin only what that origin saved (kv-store.ts).

import { createHash } from 'node:crypto'

import { PREFIX_IDS_MAX } from '../base/limits.ts'
import { sessionIdOf, type SessionId } from '../wire/ids.ts'
import { commonLength, PREFIX_TOKENS_MIN } from './prefix-book.ts'

import type { SavedPrefix } from '../wire/generation.ts'
import type { KvType, OpenPrefix, RouteStage } from '../wire/session.ts'

/** What keys and values are computed with. */
export interface KvOrigin {
  /** 64 hex digits. */
  modelId: string
  /** sessionArithmetic() */
  arithmeticVersion: number
  kvType: KvType
}

/** @param ids of the positions, from 0 on. */
export function savedName(of: KvOrigin, ids: readonly number[]): SessionId {
  const { modelId, arithmeticVersion, kvType } = of
  const hash = createHash('blake2b512')
  hash.update(JSON.stringify(['swarm saved', modelId, arithmeticVersion, kvType, ids]))
  return sessionIdOf(hash.digest().subarray(0, 16))
}

/**
 * What a prompt may take over of what was saved: as far as the ids agree, but for the last one, and where a
 * stage of the route is one of those that saved; null where it would gain nothing.
 * @param of what this session is computed with.
 */
export function savedBeginning(
  saved: SavedPrefix,
  of: KvOrigin,
  stages: readonly RouteStage[],
  ids: readonly number[]
): OpenPrefix | null {
  const isKept = stages.some(({ peer, start, end }) =>
    saved.stages.some((kept) => {
      return kept.peer === peer && kept.start === start && kept.end === end && kept.tokens > 0
    })
  )
  if (!isKept || saved.ids.length > PREFIX_IDS_MAX) return null
  const tokens = commonLength(saved.ids, ids, ids.length - 1)
  if (tokens < PREFIX_TOKENS_MIN || savedName(of, saved.ids) !== saved.name) return null
  return { session: saved.name as SessionId, tokens }
}
