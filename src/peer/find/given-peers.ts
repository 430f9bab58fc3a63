// The addresses given with --peer: each is dialled at once, over TCP, and again until it answers and
// whenever the peer behind it has no link. Whose key answers there is learnt from the handshake; that it
// belongs to the topic it has to prove like anybody. Owns the dials and the times between them.

import { LaneDial } from '../lane/lane-dial.ts'
import { peerIdOf, type PeerId } from '../../wire/ids.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Address } from '../address.ts'
import type { Identity } from '../identity.ts'

/** Between two dials of one address: 1, 2, 4 ... 16 s while nothing answers. */
const STEP_MS = 1000
const STEP_MAX_MS = 16_000

export interface GivenPeersHandlers {
  onConnection(stream: NoiseSecretStream): void
  /** Whether there is a connection to this peer that works. */
  connected(peer: PeerId): boolean
}

interface Given {
  address: Address
  /** Who answered last. */
  peer: PeerId | null
  stepMs: number
  timer: Timer | null
  dial: LaneDial | null
}

export class GivenPeers {
  readonly #given: Given[]
  readonly #identity: Identity
  readonly #clock: Clock
  readonly #handlers: GivenPeersHandlers
  #closed = false

  constructor(
    addresses: readonly Address[],
    identity: Identity,
    clock: Clock,
    handlers: GivenPeersHandlers
  ) {
    this.#given = addresses.map((address) => {
      return { address, peer: null, stepMs: STEP_MS, timer: null, dial: null }
    })
    this.#identity = identity
    this.#clock = clock
    this.#handlers = handlers
  }

  open(): void {
    for (const given of this.#given) this.#dial(given)
  }

  close(): void {
    this.#closed = true
    for (const { timer, dial } of this.#given) {
      timer?.cancel()
      dial?.cancel()
    }
  }

  #dial(given: Given): void {
    const { host, port } = given.address
    const target = { hosts: [host], port, publicKey: null }
    given.dial = new LaneDial(target, this.#identity.keyPair, this.#clock, (stream) => {
      given.dial = null
      this.#dialled(given, stream)
    })
  }

  #dialled(given: Given, stream: NoiseSecretStream | null): void {
    if (stream !== null) {
      given.peer = peerIdOf(stream.remotePublicKey)
      given.stepMs = STEP_MS
      this.#handlers.onConnection(stream)
      // One list of addresses for all machines names this one too.
      if (given.peer === this.#identity.id) return
    }
    this.#wait(given)
  }

  #wait(given: Given): void {
    if (this.#closed) return
    given.timer = this.#clock.after(given.stepMs, () => {
      if (given.peer !== null && this.#handlers.connected(given.peer)) {
        given.stepMs = STEP_MS
        this.#wait(given)
        return
      }
      given.stepMs = Math.min(2 * given.stepMs, STEP_MAX_MS)
      this.#dial(given)
    })
  }
}
