// Flow A, serving side: makes a session of an 'open', or says why this stage does not take it, and brings
// one to its next epoch. Owns nothing: sessions are the stage host's, the room for caches is stage-room.ts's.

import { rowsBytes } from '../wire/session-codec.ts'
import { checkFit, checkLinked } from './admission.ts'
import { HostedSession } from './hosted-session.ts'
import { noStats } from './stage-stats.ts'

import type { Clock } from '../base/clock.ts'
import type { Sampler, Stage } from '../compute/stage.ts'
import type { PeerId } from '../wire/ids.ts'
import type { OpenedMessage, OpenMessage, StageStats } from '../wire/session.ts'
import type { Hops } from './hop.ts'
import type { StageRoom } from './stage-room.ts'

export interface SessionOpenerComponents {
  stage: Stage
  hops: Hops
  clock: Clock
  room: StageRoom
}

export class SessionOpener {
  readonly #components: SessionOpenerComponents

  constructor(components: SessionOpenerComponents) {
    this.#components = components
  }

  /** @throws why this peer does not take the session. */
  open(origin: PeerId, open: OpenMessage): HostedSession {
    const { stage, clock, room } = this.#components
    this.#check(open)
    const prefix = room.openCache(origin, open)
    try {
      const sampler = this.#openSampler(open)
      const rowBytes = rowsBytes({ nTokens: 1, dim: stage.dim })
      return new HostedSession(open, origin, { ...prefix, sampler, rowBytes }, clock.now())
    } catch (error) {
      prefix.cache.close()
      throw error
    }
  }

  /** The next epoch of a session whose cache is large enough. @throws why it cannot go on here. */
  restart(session: HostedSession, open: OpenMessage): void {
    this.#check(open)
    const isStale = session.open.epoch < open.sinceEpoch
    session.truncate(isStale ? 0 : open.position)
    session.sampler?.close()
    session.sampler = null
    session.sampler = this.#openSampler(open)
    session.restart(open, this.#components.clock.now())
  }

  #check(open: OpenMessage): void {
    checkFit(open, this.#components.room.standing)
    checkLinked(open, (peer) => this.#reaches(peer))
  }

  #reaches(peer: PeerId): boolean {
    try {
      this.#components.hops.to(peer)
      return true
    } catch {
      return false
    }
  }

  #openSampler(open: OpenMessage): Sampler | null {
    const isLast = open.index === open.route.length - 1
    return isLast ? this.#components.stage.openSampler(open.sampling, open.logitsHash) : null
  }
}

/** What a stage says of a session that is open. @param stats of the epoch before, if there was one. */
export function openedOf(
  { open, cache, kept }: HostedSession,
  stats: StageStats = noStats()
): OpenedMessage {
  const { session, epoch, index } = open
  const [keptStart, keptEnd] = kept === null ? [0, 0] : [kept.start, kept.end]
  const cachedTokens = cache.length
  return { type: 'opened', session, epoch, index, cachedTokens, keptStart, keptEnd, stats }
}
