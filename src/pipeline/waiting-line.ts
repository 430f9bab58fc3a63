// Flow A, serving side: who waits for room on this stage, and who of them is next. An origin stands here
// once, however many questions it has: those wait in its own line (own-line.ts), so nobody fills the line for
// the others. The order is by tickets, which an origin gets from the first stage that refuses it and shows to
// all: two stages never put the same two origins in different orders, so that each would wait for the other
// for ever (Lamport's bakery). Nothing is held for who waits, and whoever stops asking loses its place.

import { PEERS_MAX, WAITING_PLACE_MS } from '../base/limits.ts'
import { SwarmError } from '../base/errors.ts'

import type { PeerId } from '../wire/ids.ts'
import type { Place } from '../wire/session.ts'

/** A ticket further ahead of ours is not believed whole, so that nobody can use them up. */
const TICKET_LEAP_MAX = 2 ** 16

interface Waiting {
  ticket: number
  askedMs: number
}

export class WaitingLine {
  readonly #origins = new Map<PeerId, Waiting>()
  #lastTicket = 0

  /** Origins that come before this one. @param ticket that it showed; 0: none. */
  before(origin: PeerId, ticket: number, nowMs: number): number {
    this.#expire(nowMs)
    const own = this.#ticketOf(origin, ticket)
    const isFirst = ([other, { ticket: theirs }]: [PeerId, Waiting]) =>
      other !== origin && (own === 0 || theirs < own || (theirs === own && other < origin))
    return [...this.#origins].filter(isFirst).length
  }

  /** It waits from now on, or goes on waiting. Parameters as of before. @throws STAGE_FULL */
  join(origin: PeerId, ticket: number, nowMs: number): Place {
    this.#expire(nowMs)
    if (!this.#origins.has(origin) && this.#origins.size >= PEERS_MAX) {
      const text = `${PEERS_MAX} others wait for room here already: ask again in some minutes`
      throw new SwarmError('STAGE_FULL', text)
    }
    const known = this.#ticketOf(origin, Math.min(ticket, this.#lastTicket + TICKET_LEAP_MAX))
    const own = known === 0 ? this.#lastTicket + 1 : known
    this.#lastTicket = Math.max(this.#lastTicket, own)
    this.#origins.set(origin, { ticket: own, askedMs: nowMs })
    return { ticket: own, before: this.before(origin, own, nowMs) }
  }

  /** It has its room, or is gone. */
  leave(origin: PeerId): void {
    this.#origins.delete(origin)
  }

  /** What it shows counts, so that all stages agree; without it, the place that it still has here. */
  #ticketOf(origin: PeerId, shown: number): number {
    return shown > 0 ? shown : (this.#origins.get(origin)?.ticket ?? 0)
  }

  #expire(nowMs: number): void {
    for (const [origin, { askedMs }] of this.#origins) {
      if (nowMs - askedMs > WAITING_PLACE_MS) this.#origins.delete(origin)
    }
  }
}
