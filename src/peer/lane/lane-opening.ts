// A lane from nothing to proven: the dial and then both proofs. Owns the connection until it hands it
// over; what it is for is said afterwards, by whoever asked for it.

import { LaneDial, type DialTarget } from './lane-dial.ts'
import { exchangeProofs } from '../link/proof-exchange.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

export interface LaneOpeningOptions {
  keyPair: KeyPair
  proofKey: Uint8Array
  clock: Clock
}

export class LaneOpening {
  readonly #options: LaneOpeningOptions
  readonly #onDone: (stream: NoiseSecretStream | null) => void
  #cancel: () => void

  /**
   * @param onDone called once, never before the constructor returns: a proven connection with no
   *               listener for 'data', or null when there is none to be had.
   */
  constructor(
    target: DialTarget,
    options: LaneOpeningOptions,
    onDone: (stream: NoiseSecretStream | null) => void
  ) {
    this.#options = options
    this.#onDone = onDone
    const dial = new LaneDial(target, options.keyPair, options.clock, (stream) => {
      if (stream === null) onDone(null)
      else this.#prove(stream)
    })
    this.#cancel = () => dial.cancel()
  }

  /** Lets go of it without a word. */
  cancel(): void {
    this.#cancel()
  }

  #prove(stream: NoiseSecretStream): void {
    const { proofKey, clock } = this.#options
    const proofs = exchangeProofs(stream, proofKey, { use: 'lane', clock }, (error) => {
      stream.off('close', onClose)
      if (error !== null) stream.destroy()
      this.#onDone(error === null ? stream : null)
    })
    // A peer that does not want this lane closes it instead of proving itself.
    const onClose = () => {
      proofs.cancel()
      this.#onDone(null)
    }
    stream.on('close', onClose)
    this.#cancel = () => {
      proofs.cancel()
      stream.off('close', onClose)
      stream.destroy()
    }
  }
}
