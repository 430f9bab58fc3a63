// When a peer whose connection ended is dialled again, and when it is left alone. Owns what is remembered
// for that between two links; the dialling itself, with its pace and its patience, is find/discovery.ts's.
// Does not judge why a link went down: link.ts did.

import { PEERS_MAX } from '../base/limits.ts'

import type { Clock } from '../base/clock.ts'
import type { SwarmError } from '../base/errors.ts'
import type { PeerId } from '../wire/ids.ts'
import type { Discovery } from './find/discovery.ts'
import type { Link } from './link/link.ts'

/**
 * How long a peer is not dialled: one that was refused for good reason, one whose proof did not come
 * (the connection may have existed on our side only), and one that left.
 */
const REFUSED_HOLD_MS = 60_000
const UNPROVEN_HOLD_MS = 2000
const LEFT_HOLD_MS = 1000
/** A link lost within this time was lost to another connection between the same two, most likely. */
const YOUNG_MS = 2000
/** A link lost so soon after this machine was away was lost by that: it is dialled at once. */
const BACK_MS = 10_000

type Dialler = Pick<Discovery, 'again' | 'want' | 'forget'>

export class Redial {
  readonly #clock: Clock
  readonly #dialler: () => Dialler | null
  /** Peers lost without a word and not back. */
  readonly #lost = new Set<PeerId>()
  #backMs = -Infinity

  /** @param dialler null while there is none. */
  constructor(clock: Clock, dialler: () => Dialler | null) {
    this.#clock = clock
    this.#dialler = dialler
  }

  linkUp(peer: PeerId): void {
    this.#lost.delete(peer)
  }

  /** @param upMs how long the link was up; null when it never came up. */
  linkDown(
    { peer, closed }: Pick<Link, 'peer' | 'closed'>,
    upMs: number | null,
    error: SwarmError,
    left: boolean
  ): void {
    if (left) {
      this.#lost.delete(peer)
      this.#dialler()?.forget(peer, LEFT_HOLD_MS)
      return
    }
    if (error.family === 'WIRE') return
    if (upMs !== null) {
      if (this.#lost.size < PEERS_MAX) this.#lost.add(peer)
      this.#dialler()?.want(peer)
    }
    const isYoung = error.code === 'PEER_GONE' && (upMs ?? 0) < YOUNG_MS
    const isBack = upMs !== null && this.#clock.now() - this.#backMs < BACK_MS
    // Once hyperswarm has forgotten it, or it would not dial.
    if (isYoung || isBack) void closed.then(() => this.#dialler()?.again(peer))
  }

  /** A connection of this peer came to nothing for a reason that will not pass at once. */
  refused(peer: PeerId, error: SwarmError): void {
    if (error.family !== 'WIRE') return
    this.#lost.delete(peer)
    this.#dialler()?.forget(peer, error.code === 'WIRE_PROOF' ? UNPROVEN_HOLD_MS : REFUSED_HOLD_MS)
  }

  /** This machine was away, and not the peers that it lost: no time of waiting is owed to them. */
  back(): void {
    this.#backMs = this.#clock.now()
    const dialler = this.#dialler()
    for (const peer of this.#lost) {
      // Forgetting it ends the wait that has grown with every try in vain.
      dialler?.forget(peer, 0)
      dialler?.want(peer)
      dialler?.again(peer)
    }
  }
}
