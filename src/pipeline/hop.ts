// Flow A, the seam between the pipeline and the network: a hop is the way to one peer. Declared here
// and implemented below the seam by peer/ (sockets), in one process (loopback) and in simulation, so
// the whole pipeline runs in a test without a socket. Owns nothing; promises order per hop.

import type { PeerId } from '../wire/ids.ts'
import type { ActivationHeader, SessionMessage } from '../wire/session.ts'

/**
 * Room for one activation message; the stage writes the payload in place, send() ships it. Frames travel
 * in the order of send(); one that is never sent holds nothing up.
 */
export interface ActivationFrame {
  /** (nTokens, dim) f32 little-endian; any alignment. Not to be touched after send(). */
  readonly payload: Uint8Array
  send(): void
}

/**
 * Messages to one peer arrive in order, or the peer is reported gone; none is lost silently. Never does
 * one arrive inside send(). A hop may be kept; once its peer is gone, what it is given is lost.
 */
export interface Hop {
  readonly peer: PeerId
  /** Bytes accepted but not yet given to the operating system. */
  readonly backlogBytes: number
  send(message: Exclude<SessionMessage, { type: 'activation' }>): void
  allocate(header: ActivationHeader): ActivationFrame
}

export interface Hops {
  /** This peer's own id; `to(self)` is a hop too and delivers without a socket. */
  readonly self: PeerId
  /** @throws PEER_GONE when there is no link to this peer now. */
  to(peer: PeerId): Hop
  /** The one receiver of everything that arrives. `from` is proven by the link, never by the message. */
  onMessage(handler: (from: PeerId, message: SessionMessage) => void): void
  /** Called once each time a peer that had a hop becomes unreachable. */
  onGone(handler: (peer: PeerId) => void): void
}
