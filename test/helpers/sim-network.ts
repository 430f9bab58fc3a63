// A network of peers in one process, driven by a seed and a virtual clock: every message is bytes, takes
// delay, jitter and bandwidth, and keeps its place in its hop's order. Peers crash and links break, and
// the others are told after a while, as heartbeats would tell them; what was on its way is lost. Counts
// what it did, so that a test can tell a simulation from an empty loop.

import { SwarmError } from '../../src/base/errors.ts'
import { unit, type Random } from '../../src/base/random.ts'
import { shortId, type PeerId } from '../../src/wire/ids.ts'
import {
  ACTIVATION_HEADER_BYTES,
  activationBytes,
  decodeSessionMessage,
  encodeSessionMessage,
  writeActivationHeader
} from '../../src/wire/session-codec.ts'

import type { ActivationFrame, Hop, Hops } from '../../src/pipeline/hop.ts'
import type { ActivationHeader, SessionMessage } from '../../src/wire/session.ts'
import type { SimClock } from './sim-clock.ts'

export interface NetworkShape {
  /** One way. */
  delayMs: number
  /** Added to each message, from 0 to this. */
  jitterMs: number
  bytesPerMs: number
  /** From a crash or a cut until the other side is told. */
  detectMs: number
}

export const LAN: NetworkShape = { delayMs: 0.25, jitterMs: 1, bytesPerMs: 117_000, detectMs: 700 }

/** What may happen to a frame on the way; tests plant faults here that the pipeline must not survive. */
export type Tamper = (frame: Uint8Array, from: PeerId, to: PeerId) => Uint8Array[]

export class SimNetwork {
  readonly clock: SimClock
  readonly shape: NetworkShape
  readonly counts = {
    sent: 0,
    delivered: 0,
    lost: 0,
    delayedMs: 0,
    crashes: 0,
    cuts: 0,
    rightDrafts: 0
  }
  tamper: Tamper = (frame) => [frame]
  /** Called before each delivery with its number: where crashes at any event are planted. */
  onDelivery: (count: number) => void = () => {}
  readonly #random: Random
  readonly #peers = new Map<PeerId, SimHops>()
  readonly #links = new Map<string, Link>()

  constructor(clock: SimClock, random: Random, shape: NetworkShape = LAN) {
    this.clock = clock
    this.#random = random
    this.shape = shape
  }

  join(self: PeerId): Hops {
    const hops = new SimHops(self, this)
    this.#peers.set(self, hops)
    return hops
  }

  isAlive(peer: PeerId): boolean {
    return this.#peers.has(peer)
  }

  /** The peer stops at once: nothing of it is heard again. */
  crash(peer: PeerId): void {
    if (!this.#peers.delete(peer)) return
    this.counts.crashes++
    for (const other of this.#peers.keys()) this.#break(peer, other)
  }

  /** The link between two peers fails, both ways; both live on. */
  cut(a: PeerId, b: PeerId): void {
    this.counts.cuts++
    this.#break(a, b)
  }

  /** A broken link works again, empty; who had not noticed does now, since a new one takes its place. */
  heal(a: PeerId, b: PeerId): void {
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const link = this.#link(from, to)
      // Two cuts may overlap: the first repair ends both, and the second must lose nothing.
      if (!link.isBroken) continue
      if (!link.isReported) this.#peers.get(from)?.reportGone(to)
      link.restore()
    }
  }

  hopsOf(peer: PeerId): SimHops | null {
    return this.#peers.get(peer) ?? null
  }

  #break(a: PeerId, b: PeerId): void {
    for (const [from, to] of [
      [a, b],
      [b, a]
    ] as const) {
      const link = this.#link(from, to)
      if (link.isBroken) continue
      link.isBroken = true
      const epoch = link.epoch
      // Neither side learns of it at the same moment as the other.
      this.clock.after(this.shape.detectMs * (0.7 + 0.3 * unit(this.#random)), () => {
        if (link.epoch !== epoch || link.isReported) return
        link.isReported = true
        this.#peers.get(from)?.reportGone(to)
      })
    }
  }

  #link(from: PeerId, to: PeerId): Link {
    const name = `${from} ${to}`
    let link = this.#links.get(name)
    if (!link) this.#links.set(name, (link = new Link()))
    return link
  }

  /** @throws PEER_GONE once the loss of the peer was reported. */
  mustReach(from: PeerId, to: PeerId): Link {
    const link = this.#link(from, to)
    const isKnown = this.#peers.has(to) || link.isBroken
    if (!isKnown || link.isReported || !this.#peers.has(from)) {
      throw new SwarmError('PEER_GONE', `${shortId(to)} cannot be reached`)
    }
    return link
  }

  transmit(from: PeerId, to: PeerId, link: Link, original: Uint8Array): void {
    this.counts.sent++
    for (const frame of this.tamper(original, from, to)) this.#transmit(from, to, link, frame)
  }

  #transmit(from: PeerId, to: PeerId, link: Link, frame: Uint8Array): void {
    const { clock, shape } = this
    const nowMs = clock.now()
    // A hop is a line: bytes leave one after another, and arrive in order whatever the jitter.
    link.leavesMs = Math.max(link.leavesMs, nowMs) + frame.byteLength / shape.bytesPerMs
    const travelMs = from === to ? 0 : shape.delayMs + shape.jitterMs * unit(this.#random)
    link.arrivesMs = Math.max(link.arrivesMs, link.leavesMs + travelMs)
    link.backlogBytes += frame.byteLength
    const { epoch } = link
    clock.after(link.leavesMs - nowMs, () => {
      if (link.epoch === epoch) link.backlogBytes -= frame.byteLength
    })
    clock.after(link.arrivesMs - nowMs, () => {
      const receiver = this.#peers.get(to)
      if (!receiver || link.isBroken || link.epoch !== epoch || !this.#peers.has(from)) {
        this.counts.lost++
        return
      }
      this.onDelivery(this.counts.delivered)
      if (!this.#peers.has(to) || !this.#peers.has(from)) {
        this.counts.lost++
        return
      }
      this.counts.delivered++
      this.counts.delayedMs += clock.now() - nowMs
      const message = decodeSessionMessage(frame)
      if (message.type === 'token') this.counts.rightDrafts += message.tokens.length - 1
      receiver.deliver(from, message)
    })
  }
}

class Link {
  isBroken = false
  isReported = false
  /** Counts restorations: what was sent before one never arrives. */
  epoch = 0
  leavesMs = 0
  arrivesMs = 0
  backlogBytes = 0

  restore(): void {
    this.isBroken = false
    this.isReported = false
    this.epoch++
    this.backlogBytes = 0
  }
}

class SimHops implements Hops {
  readonly self: PeerId
  readonly #network: SimNetwork
  #onMessage: (from: PeerId, message: SessionMessage) => void = () => {}
  #onGone: (peer: PeerId) => void = () => {}

  constructor(self: PeerId, network: SimNetwork) {
    this.self = self
    this.#network = network
  }

  to(peer: PeerId): Hop {
    const network = this.#network
    const { self } = this
    const link = network.mustReach(self, peer)
    return {
      peer,
      get backlogBytes() {
        return link.backlogBytes
      },
      send: (message) => network.transmit(self, peer, link, encodeSessionMessage(message)),
      allocate: (header) => allocate(header, (frame) => network.transmit(self, peer, link, frame))
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

  reportGone(peer: PeerId): void {
    this.#onGone(peer)
  }
}

function allocate(
  header: ActivationHeader,
  transmit: (frame: Uint8Array) => void
): ActivationFrame {
  const frame = new Uint8Array(ACTIVATION_HEADER_BYTES + activationBytes(header))
  writeActivationHeader(header, frame)
  return {
    payload: frame.subarray(ACTIVATION_HEADER_BYTES),
    // A copy, as a socket makes one: who writes into the payload after send() changes nothing.
    send: () => transmit(frame.slice())
  }
}
