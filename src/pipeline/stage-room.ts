// Flow A, serving side: what a stage has room for. Owns the budget of keys and values and the caches of
// ended sessions that wait for a prompt which begins alike: those go first when a new session needs the
// room, then sessions idle for long. Where that is not enough its origin gets a place in line. Decides
// nothing about frames and ends no session itself.

import { SwarmError } from '../base/errors.ts'
import { SESSION_IDLE_MS } from '../base/limits.ts'
import { intersect, type LayerRange } from '../model/layer-range.ts'
import { ownStage, shortageOf, type Standing } from './admission.ts'
import { PrefixShelf, type Prefix } from './prefix-shelf.ts'
import { idleSessionsFor, keepsMostOf } from './pressure.ts'
import { WaitingLine } from './waiting-line.ts'

import type { Clock } from '../base/clock.ts'
import type { Stage } from '../compute/stage.ts'
import type { PeerId } from '../wire/ids.ts'
import type { OpenMessage } from '../wire/session.ts'
import type { Hops } from './hop.ts'
import type { HostedSession } from './hosted-session.ts'
import type { SessionTable } from './session-table.ts'

export interface StageRoomOptions {
  stage: Stage
  clock: Clock
  hops: Hops
  /** 64 hex digits of the model that the stage serves. */
  modelId: string
  arithmeticVersion: number
  /** Weights and KV together may take this much now; what weights leave is the KV budget. */
  readonly memoryBytes: number
}

export class StageRoom {
  readonly shelf = new PrefixShelf()
  readonly #options: StageRoomOptions
  readonly #sessions: SessionTable
  /** Ends an idle session, telling its origin. */
  readonly #expel: (session: HostedSession) => void
  #restriction: readonly LayerRange[] | null = null
  readonly #line = new WaitingLine()

  constructor(
    options: StageRoomOptions,
    sessions: SessionTable,
    expel: (session: HostedSession) => void
  ) {
    this.#options = options
    this.#sessions = sessions
    this.#expel = expel
  }

  /** Layers that new sessions may use; null: all held. */
  get restriction(): readonly LayerRange[] | null {
    return this.#restriction
  }

  set restriction(keep: readonly LayerRange[] | null) {
    this.#restriction = keep
    if (keep !== null) this.shelf.dropOutside(keep)
  }

  get standing(): Standing {
    const { stage, hops, modelId, arithmeticVersion, memoryBytes } = this.#options
    const restriction = this.#restriction
    return {
      self: hops.self,
      modelId,
      arithmeticVersion,
      nLayers: stage.nLayers,
      admitted: restriction === null ? stage.held : intersect(stage.held, restriction),
      nSessions: this.#sessions.size,
      kvBudgetBytes: memoryBytes - stage.weightBytes,
      kvUsedBytes: this.#sessions
        .all()
        .reduce((sum, { cache }) => sum + cache.sizeBytes, this.shelf.sizeBytes)
    }
  }

  /** A cache for a session that fits, with what an earlier one of its origin left. @throws STAGE_FULL */
  openCache(origin: PeerId, open: OpenMessage): Prefix {
    const { start, end } = ownStage(open)
    const { contextTokens, kvType } = open
    const { cache, ids } = this.#forkPrefix(origin, open) ?? {
      cache: this.#options.stage.openCache({ start, end }, contextTokens, kvType),
      ids: []
    }
    try {
      this.#makeRoom(origin, open, cache.sizeBytes)
      return { cache, ids }
    } catch (error) {
      cache.close()
      throw error
    }
  }

  /** This origin is gone. */
  dropOf(origin: PeerId): void {
    this.shelf.dropOf(origin)
    this.#line.leave(origin)
  }

  /** Whether a cache of this size fits beside the sessions; those of ended ones go for it. */
  makeRoomFor(needBytes: number): boolean {
    const shortBytes = () => {
      const { kvBudgetBytes, kvUsedBytes } = this.standing
      return needBytes - (kvBudgetBytes - kvUsedBytes)
    }
    this.shelf.free(shortBytes())
    this.#options.stage.limitKv(this.standing.kvBudgetBytes)
    return shortBytes() <= 0
  }

  /** Drops what nobody has used for long, and what no longer fits. */
  tidy(): void {
    this.shelf.dropUnused(this.#options.clock.now() - SESSION_IDLE_MS)
    const { kvBudgetBytes, kvUsedBytes } = this.standing
    this.shelf.free(kvUsedBytes - kvBudgetBytes)
  }

  /** Forgets outputs where too many are kept. */
  limitKept(): void {
    const most = keepsMostOf(this.#sessions.all())?.kept
    most?.clear(most.end)
  }

  /** What an earlier session of this origin left here, or one that goes on; null: nothing that fits. */
  #forkPrefix(origin: PeerId, open: OpenMessage): Prefix | null {
    const { prefix, contextTokens, kvType } = open
    if (prefix === null) return null
    const range = ownStage(open)
    const running = this.#sessions.withLayers(prefix.session, range)
    // Where an epoch is about to begin, the ids behind the cache are about to change.
    const isSteady = running?.origin === origin && running.reopening === null
    const shelved = this.shelf.find(prefix.session, origin, range, this.#options.clock.now())
    const source = isSteady ? running : shelved
    if (source?.cache.kvType !== kvType) return null
    const most = isSteady ? Math.min(prefix.tokens, running.certainTokens) : prefix.tokens
    const cache = source.cache.fork(most, contextTokens)
    return { cache, ids: source.ids.slice(0, cache.length) }
  }

  /** Room in its turn: a session that goes on, on other stages, waits for nobody. @throws STAGE_FULL */
  #makeRoom(origin: PeerId, open: OpenMessage, needBytes: number): void {
    const isNew = open.epoch === 1
    const wouldFit = needBytes <= this.standing.kvBudgetBytes
    const nowMs = this.#options.clock.now()
    const isNext = !isNew || this.#line.before(origin, open.ticket, nowMs) === 0
    const shortage = isNext || !wouldFit ? this.#shortage(open, needBytes) : othersError()
    if (shortage === null) return this.#line.leave(origin)
    if (!isNew || !wouldFit) throw shortage
    const place = this.#line.join(origin, open.ticket, nowMs)
    throw new SwarmError('STAGE_FULL', shortage.message, { place })
  }

  /** What is missing after what ended sessions left is freed, then idle ones, where that makes room. */
  #shortage(open: OpenMessage, needBytes: number): SwarmError | null {
    const shortOf = ({ kvBudgetBytes, kvUsedBytes }: Standing) => {
      return needBytes - (kvBudgetBytes - kvUsedBytes)
    }
    this.shelf.free(shortOf(this.standing))
    const { standing } = this
    this.#options.stage.limitKv(standing.kvBudgetBytes)
    const shortage = shortageOf(open, standing, needBytes)
    if (shortage === null) return null
    const sessions = this.#sessions.all()
    const idle = idleSessionsFor(sessions, shortOf(standing), this.#options.clock.now())
    if (idle.length === 0) return shortage
    for (const session of idle) this.#expel(session)
    return null
  }
}

function othersError(): SwarmError {
  return new SwarmError('STAGE_FULL', 'others wait for room here: ask again when it is your turn')
}
