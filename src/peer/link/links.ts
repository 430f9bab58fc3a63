// All links of this process, at most one per peer. Owns the bound on strangers, that a key which the user
// does not let in gets no byte, and carries out the choice between two connections to one peer
// (crossing.ts).
// Does not look for peers: whatever discovery connects comes in through accept().

import { SwarmError } from '../../base/errors.ts'
import { CONNECTIONS_UNPROVEN_MAX, PEERS_MAX } from '../../base/limits.ts'
import { peerIdOf, shortId, type PeerId } from '../../wire/ids.ts'
import { takesOver } from './crossing.ts'
import { Link, kindOf, type LinkHandlers, type LinkOptions } from './link.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'

export interface LinksHandlers extends LinkHandlers {
  /** A connection that was not even tried. */
  onRefused(peer: PeerId, error: SwarmError): void
  /** Why the user does not let this key in; null when it may link. Asked before anything is sent. */
  shutOut(peer: PeerId): SwarmError | null
}

export class Links {
  readonly #self: PeerId
  readonly #options: LinkOptions
  readonly #handlers: LinksHandlers
  readonly #byPeer = new Map<PeerId, Link>()
  #closed = false

  constructor(self: PeerId, options: LinkOptions, handlers: LinksHandlers) {
    this.#self = self
    this.#options = options
    this.#handlers = handlers
  }

  /** The link to a peer if it is up. */
  get(peer: PeerId): Link | null {
    const link = this.#byPeer.get(peer)
    return link?.state === 'up' ? link : null
  }

  /** Whether there is a connection to this peer that is up or may still come up. */
  expects(peer: PeerId): boolean {
    return this.#byPeer.has(peer)
  }

  /** Whether there is one on which something has come back, so that no other needs to be opened. */
  answered(peer: PeerId): boolean {
    return this.#byPeer.get(peer)?.isAnswered ?? false
  }

  up(): Link[] {
    return [...this.#byPeer.values()].filter(({ state }) => state === 'up')
  }

  /**
   * @param stream of any transport, after its Noise handshake; what the other side opened, once it has
   *        said something (doorstep.ts).
   */
  accept(stream: NoiseSecretStream): void {
    const peer = peerIdOf(stream.remotePublicKey)
    const existing = this.#byPeer.get(peer)
    const refusal = this.#refusalOf(peer, existing)
    const newcomer = { initiator: stream.isInitiator, kind: kindOf(stream) }
    const loses = existing !== undefined && !takesOver(newcomer, existing, this.#self > peer)
    if (refusal !== null || loses) {
      stream.on('error', () => {})
      stream.destroy()
      if (refusal !== null) this.#handlers.onRefused(peer, refusal)
      return
    }
    existing?.close(new SwarmError('PEER_GONE', `A new connection to ${shortId(peer)} took over`))
    this.#makeRoom()
    const link = new Link(stream, this.#options, {
      ...this.#handlers,
      onDown: (down, error, left) => {
        if (this.#byPeer.get(peer) === down) this.#byPeer.delete(peer)
        this.#handlers.onDown(down, error, left)
      }
    })
    this.#byPeer.set(peer, link)
  }

  /** The user changed who may link: whoever may not any more is gone at once. */
  recheck(): void {
    for (const [peer, link] of this.#byPeer) {
      const refusal = this.#handlers.shutOut(peer)
      if (refusal !== null) link.close(refusal)
    }
  }

  tick(listenedMs: number, pingNow: boolean): void {
    for (const link of this.#byPeer.values()) link.tick(listenedMs, pingNow)
  }

  /** Says goodbye on every link that is up and ends the others. Resolves when all are gone. */
  async close(): Promise<void> {
    this.#closed = true
    const links = [...this.#byPeer.values()]
    for (const link of links) {
      if (link.state === 'up') link.leave()
      else link.close(new SwarmError('PEER_GONE', 'This peer left the topic'))
    }
    await Promise.all(links.map(({ closed }) => closed))
  }

  #refusalOf(peer: PeerId, existing: Link | undefined): SwarmError | null {
    const busy = (text: string) => new SwarmError('PEER_BUSY', text)
    if (this.#closed) return busy('This peer is leaving the topic')
    if (peer === this.#self) return busy('A connection of this very identity')
    const shutOut = this.#handlers.shutOut(peer)
    if (shutOut !== null || existing !== undefined) return shutOut
    const up = this.up().length
    if (up >= PEERS_MAX) {
      return busy(`${shortId(peer)} is one peer more than the ${PEERS_MAX} this peer links to`)
    }
    return null
  }

  /** Of too many strangers the oldest goes: a friend proves itself within a round trip. */
  #makeRoom(): void {
    const strangers = [...this.#byPeer.values()].filter(({ state }) => state !== 'up')
    if (strangers.length < CONNECTIONS_UNPROVEN_MAX) return
    const text = `${CONNECTIONS_UNPROVEN_MAX} connections are waiting for their proof already`
    strangers[0]?.close(new SwarmError('PEER_BUSY', text))
  }
}
