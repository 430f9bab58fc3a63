// The channels of one link, with protomux made safe against its remote. Protomux hands programming
// errors to the process: a TypeError or RangeError that a member's bytes provoke inside it (nested
// batches exhaust the stack) would end the whole program. Here it ends that connection only.
// Attached after the proof, never before.

import Protomux from 'protomux'

import { SwarmError, toSwarmError } from '../base/errors.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'

export class LinkMux extends Protomux {
  readonly #onFailed: (error: SwarmError) => void

  /** @param onFailed called when the remote broke the framing; the stream is destroyed after it. */
  constructor(stream: NoiseSecretStream, onFailed: (error: SwarmError) => void) {
    super(stream)
    this.#onFailed = onFailed
  }

  protected override _safeDestroy(error: Error): void {
    this._destroying = true
    this.#onFailed(toSwarmError(error, 'WIRE_BAD_FRAME'))
    this.stream.destroy()
  }
}
