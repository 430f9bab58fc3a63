// Flow B: the sessions on which questions become turns: one that was kept for the next turn if there still is
// one, else a new one on the first route that opens, verified where that was asked (auditor.ts). Owns the
// sessions that are kept, and what is known of caches that earlier ones left. Ids in, ids out: knows no text.

import { SwarmError, isAbort } from '../base/errors.ts'
import { SESSIONS_KEPT_MAX } from '../base/limits.ts'
import { sessionArithmetic } from '../compute/arithmetic.ts'
import { Auditor } from './auditor.ts'
import { OwnLine } from './own-line.ts'
import { PrefixBook } from './prefix-book.ts'
import { RouteSearch } from './route-search.ts'
import { savedBeginning } from './saved-name.ts'
import { openTurn, type Waiting } from './turn-opening.ts'

import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Span } from '../sharding/cover.ts'
import type { SavedPrefix } from '../wire/generation.ts'
import type { PeerId } from '../wire/ids.ts'
import type { KvType, OpenPrefix, RouteStage } from '../wire/session.ts'
import type { AuditStep, SessionShape } from './audited-turn.ts'
import type { Pipeline, SessionModel, SessionOptions } from './pipeline.ts'
import type { Route } from './route.ts'
import type { Session } from './session.ts'
import type { Repair, Turn } from './session-types.ts'

export interface TurnSessionsComponents {
  pipeline: Pipeline
  model: SessionModel
  /** @throws PLAN_GAP */
  findRoute: () => Route
  /** For an answer that lost a stage; absent where there is but one peer. */
  repair?: Repair
  /** What peers within reach hold now, for answers that are verified; absent as above. */
  spans?: () => readonly Span[]
  /** What people call a peer; its short id when absent. Foreign text. */
  nameOf?: (peer: PeerId) => string
  clock: Clock
  random: Random
}

/** A turn, and what is fixed about it before a session is chosen. */
export interface SessionTurn extends Turn {
  kvType: KvType
  /** Positions to reserve. */
  contextTokens: number
  /** A session that was kept, by its id. */
  session?: string | undefined
  /** What stages have on their disks of an earlier one. */
  saved?: SavedPrefix | undefined
  /** Part of the answer that is computed twice, 0 to 1. */
  verify: number
}

/** News of the session that answers, or of its verification, or why there is no session yet. */
export type SessionStep = AuditStep | Waiting

export class TurnSessions {
  readonly #components: TurnSessionsComponents
  /** Paused sessions by their id, the one used longest ago first. */
  readonly #kept = new Map<string, Session>()
  readonly #book = new PrefixBook()
  readonly #auditor: Auditor
  /** Questions that wait for room. */
  readonly #line = new OwnLine()

  constructor(components: TurnSessionsComponents) {
    this.#components = components
    this.#auditor = new Auditor({ self: components.pipeline.self, ...components })
  }

  /** The steps of one turn. @throws as Session.run; PLAN_GAP */
  async *run(turn: SessionTurn, signal: AbortSignal): AsyncGenerator<SessionStep, void> {
    const kept = this.#takeKept(turn)
    if (kept !== null) {
      // Its caches are about to hold other ids, or none.
      this.#book.remove(kept.id)
      let hasOpened = false
      try {
        for await (const step of this.#steps(kept, turn, signal)) {
          hasOpened ||= 'event' in step
          yield step
        }
        return
      } catch (error) {
        // Freed after a long time, or one of its stages left: every id is still here, begin again.
        void kept.close()
        if (hasOpened || isAbort(error)) throw error
      }
    }
    const { clock, random } = this.#components
    const { findRoute, repair } = this.#auditor.ways()
    const search = new RouteSearch(findRoute, clock.now())
    const create = (route: Route, ticket: number) => {
      const prefix = this.#beginning(turn, route.stages)
      const options = { route, prefix, isReusable: true, ticket }
      return this.#open(turn, { ...options, ...(repair && { repair }) })
    }
    const steps = (session: Session) => this.#steps(session, turn, signal)
    yield* openTurn({ search, line: this.#line, create, steps, clock, random }, signal)
  }

  /** Later prompts may begin with what the session's caches hold. */
  remember(session: Session, ids: readonly number[]): void {
    this.#book.put(session.id, session.route.stages, session.kvType, ids)
  }

  /** They may not: the session failed, or computed something wrong. */
  forget(session: Session): void {
    this.#book.remove(session.id)
  }

  /** @returns the name under which a later turn finds it. */
  keep(session: Session): string {
    this.#kept.set(session.id, session)
    for (const id of this.#kept.keys()) {
      if (this.#kept.size > SESSIONS_KEPT_MAX) this.close(id)
    }
    return session.id
  }

  /** Frees a session that was kept; unknown ids are ignored. */
  close(id: string): void {
    const session = this.#kept.get(id)
    this.#kept.delete(id)
    void session?.close()
  }

  /**
   * Has the stages of a kept session store its keys and values on their disks.
   * @throws STAGE_UNKNOWN_SESSION when it is not kept any more, PEER_BUSY
   */
  async save(id: string): Promise<SavedPrefix> {
    const session = this.#kept.get(id)
    if (session?.isOpen) return session.save()
    const text = 'the session is not kept any more: ask again, then save'
    throw new SwarmError('STAGE_UNKNOWN_SESSION', text)
  }

  /** A turn on a session, verified where that was asked. */
  async *#steps(
    session: Session,
    turn: SessionTurn,
    signal: AbortSignal
  ): AsyncGenerator<AuditStep, void> {
    if (turn.verify > 0) {
      const open = (shape: SessionShape) => this.#open(turn, shape)
      return yield* this.#auditor.run(session, turn, turn.verify, open, signal)
    }
    for await (const event of session.run(turn, signal)) yield { event, source: session }
  }

  #open({ kvType, contextTokens, verify }: SessionTurn, options: Opening): Session {
    const { pipeline, model } = this.#components
    const shape = { model, kvType, contextTokens, isAudited: verify > 0 }
    return pipeline.createSession({ ...shape, ...options })
  }

  /** The longest beginning that stages may still have in memory or on disk. */
  #beginning(turn: SessionTurn, stages: readonly RouteStage[]): OpenPrefix | null {
    const { ids, kvType, saved, verify } = turn
    // What an earlier session left was not verified, and no stage could say what it was computed from.
    if (verify > 0) return null
    const { id: modelId, arithmeticVersion } = this.#components.model
    const of = { modelId, arithmeticVersion: sessionArithmetic(arithmeticVersion, kvType), kvType }
    const inMemory = this.#book.find(stages, kvType, ids)
    const onDisk = saved ? savedBeginning(saved, of, stages, ids) : null
    return (onDisk?.tokens ?? 0) > (inMemory?.tokens ?? 0) ? onDisk : inMemory
  }

  #takeKept(turn: SessionTurn): Session | null {
    const session = this.#kept.get(turn.session ?? '')
    if (!session) return null
    this.#kept.delete(session.id)
    const fits = session.kvType === turn.kvType && session.contextTokens >= turn.positionEnd
    // Stages of a session that was not audited do not know what they computed in earlier turns.
    const canSay = session.isAudited || turn.verify === 0
    if (session.isOpen && fits && canSay && this.#auditor.mayServe(session.route)) return session
    void session.close()
    return null
  }
}

type Opening = SessionShape & Pick<SessionOptions, 'prefix' | 'isReusable' | 'ticket'>
