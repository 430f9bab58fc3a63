// Flow B, origin side: what sessions still owe to stages that they lost. Such a stage may only be out of
// reach, and keeps what it has: for the session's origin, or for whoever attaches where it takes that one for
// dead, who would then give the answer a second time. So it is told, as soon as it can be reached, that the
// session is over or goes on without it. Asks again instead of waiting for news; a stage that is back on the
// session's route is owed nothing before it leaves it. Does not know why a stage was lost.

import { every, type Clock, type Timer } from '../base/clock.ts'
import { SESSION_IDLE_MS, SESSIONS_MAX } from '../base/limits.ts'

import type { PeerId, SessionId } from '../wire/ids.ts'
import type { Hops } from './hop.ts'
import type { Route } from './route.ts'

/** A thousandth of what a stage waits before it frees the session by itself. */
const RETRY_MS = SESSION_IDLE_MS / 1000

/** What is asked of a session. */
interface Leaver {
  readonly id: SessionId
  readonly epoch: number
  readonly isOpen: boolean
  readonly isReleased: boolean
  readonly route: Route
}

interface Farewell {
  to: PeerId
  id: SessionId
  epoch: number
  isReleased: boolean
  /** It arrives, unless the peer is reported gone. */
  isTold: boolean
  /** Null once it is over, or has told what there is to tell. */
  session: Leaver | null
  sinceMs: number
}

export class Farewells {
  readonly #hops: Hops
  readonly #clock: Clock
  readonly #owed = new Map<string, Farewell>()
  #timer: Timer | null = null

  constructor(hops: Hops, clock: Clock) {
    this.#hops = hops
    this.#clock = clock
  }

  /**
   * A stage that may not know what became of the session, unless it was never opened; what it is opened for
   * later is not meant. Of too many the oldest expires there.
   */
  owe(to: PeerId, session: Leaver): void {
    const { id, epoch, isReleased } = session
    if (epoch === 0) return
    const key = `${to} ${id}`
    this.#owed.delete(key)
    const sinceMs = this.#clock.now()
    this.#owed.set(key, { to, id, epoch, isReleased, isTold: false, session, sinceMs })
    const [oldest] = this.#owed.keys()
    if (this.#owed.size > SESSIONS_MAX && oldest !== undefined) this.#owed.delete(oldest)
    this.#keepTrying()
  }

  /** What this peer was told lately it may not have got. */
  gone(peer: PeerId): void {
    for (const farewell of this.#owed.values()) if (farewell.to === peer) farewell.isTold = false
    this.#keepTrying()
  }

  close(): void {
    this.#owed.clear()
    this.#rest()
  }

  #keepTrying(): void {
    if (this.#owed.size > 0) this.#timer ??= every(this.#clock, RETRY_MS, () => this.#tell())
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #tell(): void {
    const oldestMs = this.#clock.now() - SESSION_IDLE_MS
    for (const [key, farewell] of this.#owed) {
      if (!farewell.isTold && this.#isDue(farewell)) this.#send(farewell)
      if (farewell.session === null && farewell.sinceMs < oldestMs) this.#owed.delete(key)
    }
    if ([...this.#owed.values()].every(({ isTold }) => isTold)) this.#rest()
  }

  #isDue(farewell: Farewell): boolean {
    const { session, to } = farewell
    if (session === null) return true
    farewell.isReleased = session.isReleased
    // What a session holds is large, and it may be long until the stage is back.
    if (!session.isOpen) farewell.session = null
    return !session.isOpen || !session.route.stages.some(({ peer }) => peer === to)
  }

  #send(farewell: Farewell): void {
    const { to, id: session, epoch, isReleased } = farewell
    try {
      this.#hops.to(to).send({ type: 'close', session, epoch, isReleased })
      farewell.isTold = true
      farewell.session = null
    } catch {
      // Still out of reach.
    }
  }
}
