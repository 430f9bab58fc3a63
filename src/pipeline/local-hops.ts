// Flow A without a network: hops between peers of one process. `swarm run` uses it with a single peer,
// so that one machine takes the same path through Session and StageHost as a swarm does. Messages are
// handed over as they are and never copied; delivery is in order and never inside send().

import { SwarmError } from '../base/errors.ts'
import { activationBytes } from '../wire/session-codec.ts'
import { shortId, type PeerId } from '../wire/ids.ts'

import type { SessionMessage } from '../wire/session.ts'
import type { Hop, Hops } from './hop.ts'

/** Peers that share a process. */
export class LocalNetwork {
  #members = new Map<PeerId, LocalHops>()

  /** @returns the hops of a new member; every member reaches every other. */
  join(self: PeerId): Hops {
    const hops = new LocalHops(self, this)
    this.#members.set(self, hops)
    return hops
  }

  /** The member is gone for all others, and they for it. Unknown members are ignored. */
  leave(peer: PeerId): void {
    const leaving = this.#members.get(peer)
    if (!leaving) return
    this.#members.delete(peer)
    for (const [other, hops] of this.#members) {
      hops.gone(peer)
      leaving.gone(other)
    }
  }

  member(peer: PeerId): LocalHops | null {
    return this.#members.get(peer) ?? null
  }
}

class LocalHops implements Hops {
  readonly self: PeerId
  readonly #network: LocalNetwork
  #onMessage: (from: PeerId, message: SessionMessage) => void = () => {}
  #onGone: (peer: PeerId) => void = () => {}

  constructor(self: PeerId, network: LocalNetwork) {
    this.self = self
    this.#network = network
  }

  to(peer: PeerId): Hop {
    const { self } = this
    const network = this.#network
    if (network.member(self) !== this || !network.member(peer)) {
      throw new SwarmError('PEER_GONE', `${shortId(peer)} is not in this process`)
    }
    const send = (message: SessionMessage) => {
      // Looked up on arrival: what is on its way to a peer that leaves is lost with it.
      queueMicrotask(() => network.member(self) && network.member(peer)?.deliver(self, message))
    }
    return {
      peer,
      backlogBytes: 0,
      send,
      allocate(header) {
        const payload = new Uint8Array(activationBytes(header))
        return { payload, send: () => send({ type: 'activation', ...header, payload }) }
      }
    }
  }

  onMessage(handler: (from: PeerId, message: SessionMessage) => void): void {
    this.#onMessage = handler
  }

  onGone(handler: (peer: PeerId) => void): void {
    this.#onGone = handler
  }

  deliver(from: PeerId, message: SessionMessage): void {
    this.#onMessage(from, message)
  }

  gone(peer: PeerId): void {
    queueMicrotask(() => this.#onGone(peer))
  }
}
