// Where other peers connect to us without a DHT: one TCP port per process, for links and lanes alike.
// Owns the listening socket and the connections whose handshake is not done, which are few and short.
// Which of the two a connection is, its first message says (network.ts); decides nothing about peers.

import { createServer, type Server, type Socket } from 'node:net'

import { CONNECTIONS_UNPROVEN_MAX } from '../../base/limits.ts'
import { LaneStream } from '../lane/lane-stream.ts'
import { afterListening } from '../link/silence.ts'
import { PROOF_TIMEOUT_MS, limitBytes } from '../link/unproven.ts'

import type NoiseSecretStream from '@hyperswarm/secret-stream'
import type { KeyPair, Pattern } from '@hyperswarm/secret-stream'
import type { Clock } from '../../base/clock.ts'

/** Tried first, so that one `--peer HOST:PORT` and one hole in a firewall last. The beacon's, in TCP. */
export const DIRECT_PORT = 48_629

/** Each Noise message goes with its length before it, in three bytes, the lowest first. */
const LENGTH_BYTES = 3
/** The first message of XX is a bare ephemeral key. That of IK, 96 bytes, carries the sender's key too. */
const XX_FIRST_BYTES = 32

export class DirectServer {
  readonly #keyPair: KeyPair
  readonly #clock: Clock
  readonly #onStream: (stream: NoiseSecretStream) => void
  readonly #server: Server
  readonly #pending = new Set<Socket>()
  #closed = false

  /** @param onStream gets each connection after its handshake; `remotePublicKey` is proven. */
  constructor(keyPair: KeyPair, clock: Clock, onStream: (stream: NoiseSecretStream) => void) {
    this.#keyPair = keyPair
    this.#clock = clock
    this.#onStream = onStream
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  }

  /**
   * @param options.port tried first; any free one when it is taken. Absent or 0: any free one.
   * @param options.host to bind; all addresses of both families when absent.
   * @returns the port; 0 when none can be opened: others then reach us through the DHT or not at all.
   */
  async open(options: { host?: string; port?: number } = {}): Promise<number> {
    const { host, port = 0 } = options
    const opened = await this.#listen(port, host)
    return opened === 0 && port !== 0 && !this.#closed ? this.#listen(0, host) : opened
  }

  close(): void {
    this.#closed = true
    this.#server.close()
    for (const socket of this.#pending) this.#drop(socket)
  }

  #listen(port: number, host: string | undefined): Promise<number> {
    return new Promise((resolve) => {
      const done = (opened: number) => {
        this.#server.off('error', onFailed)
        this.#server.off('close', onFailed)
        resolve(opened)
      }
      const onFailed = () => done(0)
      this.#server.on('error', onFailed)
      this.#server.on('close', onFailed) // before it listened, there is no other event
      this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        const address = this.#server.address()
        done(address !== null && typeof address === 'object' ? address.port : 0)
      })
    })
  }

  #drop(socket: Socket): void {
    // 'close' comes later, and whoever is counted must still be there.
    this.#pending.delete(socket)
    socket.destroy()
  }

  #accept(socket: Socket): void {
    // A friend's handshake takes milliseconds, so whoever waits longest is none.
    const [oldest] = this.#pending
    if (oldest && this.#pending.size >= CONNECTIONS_UNPROVEN_MAX) this.#drop(oldest)
    this.#pending.add(socket)
    const timer = afterListening(this.#clock, PROOF_TIMEOUT_MS, () => socket.destroy())
    const unlimit = limitBytes(socket, () => socket.destroy())
    const release = () => {
      timer.cancel()
      unlimit()
      this.#pending.delete(socket)
    }
    socket.on('error', () => {})
    socket.on('close', release)
    askPattern(socket, (pattern) => {
      const stream = new LaneStream(false, socket, { pattern, keyPair: this.#keyPair })
      stream.on('error', () => {})
      stream.on('connect', () => {
        release()
        this.#onStream(stream)
      })
    })
  }
}

/**
 * Who knows our key dials with IK; who has only our address (`--peer`), with XX. The length of the first
 * message tells which.
 */
function askPattern(socket: Socket, onKnown: (pattern: Pattern) => void): void {
  let head = Buffer.alloc(0)
  const onData = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk])
    if (head.byteLength < LENGTH_BYTES) return
    socket.off('data', onData)
    socket.pause()
    socket.unshift(head)
    onKnown(head.readUIntLE(0, LENGTH_BYTES) === XX_FIRST_BYTES ? 'XX' : 'IK')
    setImmediate(() => socket.resume()) // the stream listens from the next microtask on
  }
  socket.on('data', onData)
}
