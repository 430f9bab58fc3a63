// The channels of one link, with protomux made safe against its remote. Protomux hands programming
// errors to the process: a TypeError or RangeError that a member's bytes provoke inside it (nested
// batches exhaust the stack) would end the whole program. Here it ends that connection only. Each channel
// opened by the remote costs memory and an answer, so their pace and number are bounded; and a batch is
// handled in one go, so the number of messages in it is. Attached after the proof, never before.

import Protomux from 'protomux'

import { SwarmError, toSwarmError } from '../../base/errors.ts'
import {
  BATCH_MESSAGES_MAX,
  CHANNEL_OPENS_BURST,
  CHANNEL_OPENS_PER_SECOND,
  CHANNELS_MAX
} from '../../base/limits.ts'
import { Bucket } from '../../base/bucket.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

export class LinkMux extends Protomux {
  readonly #opens: Bucket
  readonly #onFailed: (error: SwarmError) => void
  /** Messages so far in the bytes at hand. */
  #nMessages = 0

  /** @param onFailed called when the remote broke the framing; the stream is destroyed after it. */
  constructor(stream: NoiseSecretStream, clock: Clock, onFailed: (error: SwarmError) => void) {
    super(stream)
    this.#opens = new Bucket(clock, CHANNEL_OPENS_PER_SECOND, CHANNEL_OPENS_BURST)
    this.#onFailed = onFailed
  }

  protected override _ondata(bytes: Uint8Array): void {
    this.#nMessages = 0
    super._ondata(bytes)
  }

  protected override _decode(remoteId: number, state: unknown): unknown {
    if (++this.#nMessages > BATCH_MESSAGES_MAX) {
      throw new SwarmError('WIRE_TOO_LARGE', `A batch has more than ${BATCH_MESSAGES_MAX} messages`)
    }
    return super._decode(remoteId, state)
  }

  protected override _onopensession(state: unknown): unknown {
    if (this._remote.length >= CHANNELS_MAX || !this.#opens.take()) {
      throw new SwarmError('WIRE_TOO_LARGE', 'More channels were opened than a peer may open')
    }
    return super._onopensession(state)
  }

  protected override _safeDestroy(error: Error): void {
    this._destroying = true
    this.#onFailed(toSwarmError(error, 'WIRE_BAD_FRAME'))
    this.stream.destroy()
  }
}
