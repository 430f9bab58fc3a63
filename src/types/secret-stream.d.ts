// @hyperswarm/secret-stream 6.9: a Noise connection over a raw stream; only what peer/ calls.

declare module '@hyperswarm/secret-stream' {
  import type { EventEmitter } from 'node:events'

  export interface KeyPair {
    publicKey: Uint8Array
    secretKey: Uint8Array
  }

  /** IK: the initiator knows the responder's key. XX: neither knows the other's. */
  export type Pattern = 'IK' | 'XX'

  /** A net.Socket or a UDX stream. */
  export interface RawStream extends EventEmitter {
    /** Of a UDX stream, once connected. */
    readonly remoteHost?: string | null
    /** Of a net.Socket, while connected; with its zone when it is link-local. */
    readonly remoteAddress?: string | undefined
    /** Of a net.Socket: bytes that the operating system has not taken yet. */
    readonly writableLength?: number
  }

  /** Events: 'connect' (handshake done), 'data' (one message), 'drain', 'error', 'close'. */
  export default class NoiseSecretStream extends EventEmitter {
    constructor(
      isInitiator: boolean,
      rawStream: RawStream,
      options: { pattern: Pattern; keyPair: KeyPair; remotePublicKey?: Uint8Array }
    )
    readonly isInitiator: boolean
    /** The rest is set when the handshake is done. */
    readonly remotePublicKey: Uint8Array
    readonly handshakeHash: Uint8Array
    readonly rawStream: RawStream
    /** Bytes encrypted and handed to the raw stream: each message with 20 bytes around it. */
    readonly rawBytesWritten: number
    readonly destroyed: boolean
    readonly destroying: boolean
    userData: unknown
    /** A buffer that write() encrypts in place, if no other was allocated in between. */
    alloc(sizeBytes: number): Uint8Array
    /** What alloc() returned last, and the buffer around it with room for the envelope. */
    protected _outgoingPlain: Uint8Array | null
    protected _outgoingWrapped: Uint8Array | null
    /** Whether the handshake and the header of the cipher are still to come. */
    protected _setup: boolean
    /** Of the framing, 0: reading a length; 1: `_tmp` of the `_len` bytes of a message are here. */
    protected _state: 0 | 1
    protected _len: number
    protected _tmp: number
    /** Bytes of the raw stream, in any pieces. */
    protected _onrawdata(data: Uint8Array): void
    /** Of streamx: encrypts one message and hands it to the raw stream, one at a time. */
    protected _write(data: Uint8Array, done: (error: Error | null) => void): void
    write(data: Uint8Array): boolean
    /** Puts a message back, to be the next 'data'. */
    unshift(data: Uint8Array): void
    /** Of 'data': nothing is lost, the raw stream is paused as soon as little is buffered. */
    pause(): void
    resume(): void
    end(): void
    destroy(error?: Error | null): void
  }
}
