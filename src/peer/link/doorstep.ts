// Where connections that others opened wait until they say something. Whoever opens a connection proves
// itself on it first, and only on the one that it wants, so a connection counts from its first message
// on: of two that a peer opened side by side the other is never heard of, and a stranger that says
// nothing gets nothing. Owns a connection for exactly that long; the message is left in it, unread.

import { CONNECTIONS_UNPROVEN_MAX } from '../../base/limits.ts'
import { afterListening } from './silence.ts'
import { PROOF_TIMEOUT_MS, limitBytes } from './unproven.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

export class Doorstep {
  readonly #clock: Clock
  readonly #waiting = new Set<NoiseSecretStream>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * @param stream opened by the other side, after its handshake.
   * @param onFirst called in the tick of its first message, which the stream will emit once more:
   *        listen for it before returning.
   */
  add(stream: NoiseSecretStream, onFirst: (message: Uint8Array) => void): void {
    // A friend's proof comes within a round trip, so whoever waits longest is none.
    const [oldest] = this.#waiting
    if (oldest && this.#waiting.size >= CONNECTIONS_UNPROVEN_MAX) this.#drop(oldest)
    this.#waiting.add(stream)
    const timer = afterListening(this.#clock, PROOF_TIMEOUT_MS, () => this.#drop(stream))
    const unlimit = limitBytes(stream.rawStream, () => this.#drop(stream))
    const release = () => {
      this.#waiting.delete(stream)
      timer.cancel()
      unlimit()
      stream.off('data', onData)
      stream.off('close', release)
    }
    const onData = (message: Uint8Array) => {
      release()
      stream.unshift(message)
      onFirst(message)
    }
    stream.on('error', () => {})
    stream.on('close', release)
    stream.on('data', onData)
  }

  close(): void {
    for (const stream of this.#waiting) this.#drop(stream)
  }

  #drop(stream: NoiseSecretStream): void {
    // 'close' comes later, and whoever is counted must still be there.
    this.#waiting.delete(stream)
    stream.destroy()
  }
}
