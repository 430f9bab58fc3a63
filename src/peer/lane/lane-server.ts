// Where other peers open lanes to us: one TCP port per process. Owns the listening socket and the
// connections whose handshake is not done, which are few and short; decides nothing about peers.

import { createServer, type Server, type Socket } from 'node:net'

import { CONNECTIONS_UNPROVEN_MAX } from '../../base/limits.ts'
import { LaneStream } from './lane-stream.ts'
import { afterListening } from '../link/silence.ts'
import { PROOF_TIMEOUT_MS, limitBytes } from '../link/unproven.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

export class LaneServer {
  readonly #keyPair: KeyPair
  readonly #clock: Clock
  readonly #onStream: (stream: NoiseSecretStream) => void
  readonly #server: Server
  readonly #pending = new Set<NoiseSecretStream>()

  /** @param onStream gets each connection after its handshake; `remotePublicKey` is proven. */
  constructor(keyPair: KeyPair, clock: Clock, onStream: (stream: NoiseSecretStream) => void) {
    this.#keyPair = keyPair
    this.#clock = clock
    this.#onStream = onStream
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  /**
   * @param host to bind; all addresses of both families when absent.
   * @returns the port, chosen by the operating system; 0 when none can be opened: links then carry
   *          the frames themselves.
   */
  open(host?: string): Promise<number> {
    return new Promise((resolve) => {
      this.#server.on('error', () => resolve(0))
      this.#server.on('close', () => resolve(0)) // before it listened, there is no other event
      this.#server.listen({ port: 0, ...(host === undefined ? {} : { host }) }, () => {
        const address = this.#server.address()
        resolve(address !== null && typeof address === 'object' ? address.port : 0)
      })
    })
  }

  close(): void {
    this.#server.close()
    for (const stream of this.#pending) this.#drop(stream)
  }

  #drop(stream: NoiseSecretStream): void {
    // 'close' comes later, and whoever is counted must still be there.
    this.#pending.delete(stream)
    stream.destroy()
  }

  #accept(socket: Socket): void {
    // A friend's handshake takes milliseconds, so whoever waits longest is none.
    const [oldest] = this.#pending
    if (oldest && this.#pending.size >= CONNECTIONS_UNPROVEN_MAX) this.#drop(oldest)
    const stream = new LaneStream(false, socket, { pattern: 'IK', keyPair: this.#keyPair })
    this.#pending.add(stream)
    const timer = afterListening(this.#clock, PROOF_TIMEOUT_MS, () => stream.destroy())
    const unlimit = limitBytes(socket, () => stream.destroy())
    const release = () => {
      timer.cancel()
      unlimit()
      this.#pending.delete(stream)
    }
    stream.on('error', () => {})
    stream.on('close', release)
    stream.on('connect', () => {
      release()
      this.#onStream(stream)
    })
  }
}
