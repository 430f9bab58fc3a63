// Flow B, the origin dies too, serving side: the logs of the sessions that this stage serves, and what it
// answers to members who ask for them. A session without a log is private: it is not listed, its ids are
// given to nobody, and it goes with its origin. Owns the bound on all logs together, and on questions.

import { Bucket } from '../base/bucket.ts'
import {
  LOGGED_IDS_MAX,
  SESSIONS_MAX,
  SESSION_QUESTIONS_BURST,
  SESSION_QUESTIONS_PER_SECOND
} from '../base/limits.ts'
import { SessionLog } from './session-log.ts'

import type { Clock } from '../base/clock.ts'
import type { SessionId } from '../wire/ids.ts'
import type {
  ListedMessage,
  ListedSession,
  LogMessage,
  RecalledMessage,
  RecallMessage,
  TokenMessage
} from '../wire/session.ts'
import type { HostedSession } from './hosted-session.ts'
import type { SessionTable } from './session-table.ts'

export class SessionLogs {
  readonly #sessions: SessionTable
  readonly #clock: Clock
  readonly #questions: Bucket
  readonly #logs = new Map<SessionId, SessionLog>()
  #ids = 0

  constructor(sessions: SessionTable, clock: Clock) {
    this.#sessions = sessions
    this.#clock = clock
    this.#questions = new Bucket(clock, SESSION_QUESTIONS_PER_SECOND, SESSION_QUESTIONS_BURST)
  }

  /** Whether the session can do without its origin, as far as this stage knows. */
  has(session: SessionId): boolean {
    return this.#logs.get(session)?.isWhole === true
  }

  /** A part of a log, from the session's origin. @throws STAGE_POSITION_GAP */
  take(message: LogMessage): void {
    const { session, position, ids, endTokens } = message
    if (position === 0) {
      this.drop(session)
      // Not for lack of room here should an answer fail that is being given.
      if (this.#ids + endTokens > LOGGED_IDS_MAX) return
      this.#logs.set(session, new SessionLog(message))
    }
    const log = this.#logs.get(session)
    if (log === undefined) return
    log.add(message)
    this.#ids += ids.length
  }

  /** A token of the session went by. */
  note(message: TokenMessage): void {
    const log = this.#logs.get(message.session)
    if (log === undefined) return
    if (this.#ids >= LOGGED_IDS_MAX) return this.drop(message.session)
    if (log.note(message)) this.#ids++
  }

  drop(session: SessionId): void {
    this.#ids -= this.#logs.get(session)?.length ?? 0
    this.#logs.delete(session)
  }

  /** Null where too many questions come. */
  list(): ListedMessage | null {
    if (!this.#questions.take()) return null
    const sessions = [...this.#logs].flatMap(([id, log]) => {
      const [hosted] = this.#sessions.of(id)
      return hosted && log.isWhole ? [this.#listed(hosted, log)] : []
    })
    return { type: 'listed', sessions: sessions.slice(0, SESSIONS_MAX) }
  }

  /** Null where there is no such log, or not so far, or too many questions come. */
  recall({ session, position }: RecallMessage): RecalledMessage | null {
    if (!this.#questions.take()) return null
    const log = this.#logs.get(session)
    const [hosted] = this.#sessions.of(session)
    if (hosted === undefined || !log?.isWhole || position >= log.length) return null
    const { route, modelId, planHash, viewHash, arithmeticVersion } = hosted.open
    const { contextTokens, kvType, sampling, stopIds, positionEnd } = hosted.open
    return {
      type: 'recalled',
      session,
      route,
      modelId,
      planHash,
      viewHash,
      arithmeticVersion,
      contextTokens,
      kvType,
      sampling,
      stopIds,
      positionEnd,
      ...log.head,
      position,
      ids: log.slice(position)
    }
  }

  #listed({ open, origin, openedMs, newestEpoch, state }: HostedSession, log: SessionLog) {
    const { promptTokens, endTokens } = log.head
    const listed: ListedSession = {
      session: open.session,
      origin,
      epoch: newestEpoch,
      state: state === 'answering' && log.isOver ? 'kept' : state,
      modelId: open.modelId,
      promptTokens,
      tokens: endTokens - promptTokens,
      ageMs: Math.max(0, Math.round(this.#clock.now() - openedMs))
    }
    return listed
  }
}
