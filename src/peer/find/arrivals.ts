// The connections that other peers open to us, over TCP (direct-server.ts) and UDX (discovery.ts): each
// waits on the doorstep until its first message, a proof, which says what it is for. Owns the port and
// the doorstep. Checks no proof for good: links and lanes do, each with its own word about a wrong one.

import { Doorstep } from '../link/doorstep.ts'
import { useOf } from '../../wire/proof.ts'
import { DirectServer } from './direct-server.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

export interface ArrivalsOptions {
  keyPair: KeyPair
  proofKey: Uint8Array
  clock: Clock
}

/** Each gets the stream with its first message unread. */
export interface ArrivalsHandlers {
  onLink(stream: NoiseSecretStream): void
  onLane(stream: NoiseSecretStream): void
  /** It proves nothing, and takes no place of a connection that did. */
  onStranger(stream: NoiseSecretStream): void
}

export class Arrivals {
  readonly #proofKey: Uint8Array
  readonly #handlers: ArrivalsHandlers
  readonly #doorstep: Doorstep
  readonly #server: DirectServer

  constructor({ keyPair, proofKey, clock }: ArrivalsOptions, handlers: ArrivalsHandlers) {
    this.#proofKey = proofKey
    this.#handlers = handlers
    this.#doorstep = new Doorstep(clock)
    this.#server = new DirectServer(keyPair, clock, (stream) => {
      this.#doorstep.add(stream, (message) => this.#receive(stream, message))
    })
  }

  /** @returns as DirectServer.open. */
  open(options: { host?: string; port?: number }): Promise<number> {
    return this.#server.open(options)
  }

  /** @param stream over UDX, which carries links only. */
  addUdx(stream: NoiseSecretStream): void {
    this.#doorstep.add(stream, (message) => {
      const isProven = useOf(message, this.#proofKey, stream.handshakeHash) === 'link'
      if (isProven) this.#handlers.onLink(stream)
      else this.#handlers.onStranger(stream)
    })
  }

  close(): void {
    this.#server.close()
    this.#doorstep.close()
  }

  #receive(stream: NoiseSecretStream, message: Uint8Array): void {
    const use = useOf(message, this.#proofKey, stream.handshakeHash)
    if (use === 'link') this.#handlers.onLink(stream)
    else if (use === 'lane') this.#handlers.onLane(stream)
    else this.#handlers.onStranger(stream)
  }
}
