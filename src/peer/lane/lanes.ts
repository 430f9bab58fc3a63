// The lanes of all links. Owns the proof that each incoming one must give, and those that arrive before
// the link itself has come up here (TCP can be faster than hello). They arrive at find/direct-server.ts.

import { SwarmError } from '../../base/errors.ts'
import { LANES_UNPROVEN_MAX } from '../../base/limits.ts'
import { peerIdOf, type PeerId } from '../../wire/ids.ts'
import { LaneSlot, type SlotOptions } from './lane-slot.ts'
import { exchangeProofs, type ProofExchange } from '../link/proof-exchange.ts'
import { LINK_PIECE_NUMBER } from './weights-way.ts'
import { afterListening } from '../link/silence.ts'
import { PROOF_TIMEOUT_MS } from '../link/unproven.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Timer } from '../../base/clock.ts'
import type { Carrier } from './carrier.ts'
import type { Link } from '../link/link.ts'
import type { BlockParts } from './weights-piece.ts'

export interface LanesHandlers {
  onCarrier(peer: PeerId, carrier: Carrier): void
  onCarrierLost(peer: PeerId, error: SwarmError): void
  onFrame(peer: PeerId, frame: Uint8Array): void
  /** A block of weights, the receiver's to keep. No more is read before what it returns has settled. */
  onBlock(peer: PeerId, block: BlockParts): void | Promise<void>
  /** Whether there is a link to this peer that is up or coming up; others get no lane. */
  expects(peer: PeerId): boolean
}

interface Incoming {
  peer: PeerId
  stream: NoiseSecretStream
  proofs: ProofExchange
  proven: boolean
  timer: Timer
}

export class Lanes {
  readonly #options: SlotOptions
  readonly #handlers: LanesHandlers
  readonly #slots = new Map<PeerId, LaneSlot>()
  readonly #incoming = new Set<Incoming>()

  constructor(options: SlotOptions, handlers: LanesHandlers) {
    this.#options = options
    this.#handlers = handlers
  }

  slot(peer: PeerId): LaneSlot | null {
    return this.#slots.get(peer) ?? null
  }

  linkUp(link: Link): void {
    const { peer } = link
    const slot = new LaneSlot(link, this.#options, {
      onCarrier: (carrier) => this.#handlers.onCarrier(peer, carrier),
      onCarrierLost: (error) => this.#handlers.onCarrierLost(peer, error),
      onFrame: (frame) => this.#handlers.onFrame(peer, frame),
      onBlock: (block) => this.#handlers.onBlock(peer, block)
    })
    this.#slots.set(peer, slot)
    this.#admit(peer)
  }

  linkDown(peer: PeerId): void {
    this.#slots.get(peer)?.close()
    this.#slots.delete(peer)
    for (const incoming of this.#incoming) if (incoming.peer === peer) this.#drop(incoming)
  }

  /** A frame on the link itself: of a session, or a piece of weights. @throws WIRE_* */
  receiveOnLink(peer: PeerId, frame: Uint8Array): void {
    if (frame[0] === LINK_PIECE_NUMBER) this.#slots.get(peer)?.weights.receiveOnLink(frame)
    else this.#handlers.onFrame(peer, frame)
  }

  /** Our own addresses, as they are now: every peer that does not know them yet is told. */
  announce(addresses: string[]): void {
    for (const slot of this.#slots.values()) slot.paths.announce(addresses)
  }

  tick(listenedMs: number, pingNow: boolean): void {
    for (const slot of this.#slots.values()) slot.tick(listenedMs, pingNow)
  }

  close(): void {
    for (const peer of this.#slots.keys()) this.linkDown(peer)
    for (const incoming of this.#incoming) this.#drop(incoming)
  }

  /** @param stream dialled by the peer, after its handshake, nothing read from it. */
  receive(stream: NoiseSecretStream): void {
    const peer = peerIdOf(stream.remotePublicKey)
    const others = [...this.#incoming].filter((one) => one.peer === peer)
    if (!this.#handlers.expects(peer) || others.length >= LANES_UNPROVEN_MAX) {
      stream.destroy()
      return
    }
    const { proofKey, clock } = this.#options
    const incoming: Incoming = {
      peer,
      stream,
      proven: false,
      // Ours goes out when the lane is wanted: the dialling side takes it for our consent.
      proofs: exchangeProofs(stream, proofKey, { use: 'lane', clock, hold: true }, (error) => {
        incoming.proven = error === null
        if (error === null) this.#admit(peer)
        else this.#drop(incoming)
      }),
      timer: afterListening(clock, PROOF_TIMEOUT_MS, () => this.#drop(incoming))
    }
    this.#incoming.add(incoming)
    stream.on('close', () => this.#drop(incoming))
  }

  /** Adopts a lane once it is proven and its link is up, in whichever order that happens. */
  #admit(peer: PeerId): void {
    const slot = this.#slots.get(peer)
    const incoming = [...this.#incoming].find((one) => one.peer === peer && one.proven)
    if (incoming === undefined || slot === undefined) return
    this.#incoming.delete(incoming)
    incoming.timer.cancel()
    incoming.proofs.send()
    slot.accept(incoming.stream)
  }

  #drop(incoming: Incoming): void {
    if (!this.#incoming.delete(incoming)) return
    incoming.timer.cancel()
    incoming.proofs.cancel()
    incoming.stream.destroy()
  }
}
