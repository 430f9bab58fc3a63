// Flow A, the network's side of the pipeline's seam: one hop per linked peer and one to ourselves.
// Owns who has a hop, so that each peer is reported gone exactly once per hop, and turns arriving
// frames into messages. Holds no socket: carriers come from lanes.ts, links say who is reachable.

import { SwarmError, toSwarmError } from '../../base/errors.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { decodeSessionMessage } from '../../wire/session-codec.ts'
import { PeerHop } from './peer-hop.ts'
import { SelfHop } from './self-hop.ts'

import type { Log } from '../../base/log.ts'
import type { Hop, Hops } from '../../pipeline/hop.ts'
import type { SessionMessage } from '../../wire/session.ts'
import type { Carrier } from '../lane/carrier.ts'

export interface PeerHopsOptions {
  self: PeerId
  log: Log
  /** Whether a link to this peer is up. */
  linked(peer: PeerId): boolean
  /** The way to a linked peer; null while it is being chosen. */
  carrierOf(peer: PeerId): Carrier | null
  /** A peer does not take what it is sent: close its carrier, or the link when it has none. */
  closeCarrier(peer: PeerId, error: SwarmError): void
}

export class PeerHops implements Hops {
  readonly self: PeerId
  readonly #options: PeerHopsOptions
  readonly #selfHop: SelfHop
  readonly #hops = new Map<PeerId, PeerHop>()
  readonly #onGone: ((peer: PeerId) => void)[] = []
  #onMessage: (from: PeerId, message: SessionMessage) => void = () => {}

  constructor(options: PeerHopsOptions) {
    this.self = options.self
    this.#options = options
    this.#selfHop = new SelfHop(options.self, (message) => this.#deliver(options.self, message))
  }

  to(peer: PeerId): Hop {
    if (peer === this.self) return this.#selfHop
    if (!this.#options.linked(peer)) {
      throw new SwarmError('PEER_GONE', `There is no link to ${shortId(peer)} now`)
    }
    return this.#hopOf(peer)
  }

  onMessage(handler: (from: PeerId, message: SessionMessage) => void): void {
    this.#onMessage = handler
  }

  onGone(handler: (peer: PeerId) => void): void {
    this.#onGone.push(handler)
  }

  /** A carrier to this peer was chosen. */
  attach(peer: PeerId, carrier: Carrier): void {
    this.#hops.get(peer)?.attach(carrier)
  }

  /** The carrier or the link was lost. */
  gone(peer: PeerId): void {
    const hop = this.#hops.get(peer)
    if (hop === undefined) return
    this.#hops.delete(peer)
    hop.end()
    for (const handler of this.#onGone) this.#safely(() => handler(peer))
  }

  /** @throws WIRE_* when the frame is no session message; the caller closes what it came on. */
  receive(from: PeerId, frame: Uint8Array): void {
    const message = decodeSessionMessage(frame)
    // Whoever has sent a session message is owed the news that the way back is gone.
    this.#hopOf(from)
    this.#deliver(from, message)
  }

  #hopOf(peer: PeerId): PeerHop {
    const existing = this.#hops.get(peer)
    if (existing !== undefined) return existing
    const { carrierOf, closeCarrier } = this.#options
    const hop = new PeerHop(peer, carrierOf(peer), (error) => closeCarrier(peer, error))
    this.#hops.set(peer, hop)
    return hop
  }

  #deliver(from: PeerId, message: SessionMessage): void {
    this.#safely(() => this.#onMessage(from, message))
  }

  /** A fault of the receiver is ours, not the peer's: it is logged and ends no connection. */
  #safely(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#options.log.error(`a session handler failed: ${toSwarmError(error, 'PEER_GONE').stack}`)
    }
  }
}
