// protomux 3.12: only what peer/mux.ts and peer/link.ts call.

declare module 'protomux' {
  import type NoiseSecretStream from '@hyperswarm/secret-stream'

  export interface MuxMessage {
    send(bytes: Uint8Array): boolean
  }

  export interface MuxChannel {
    readonly closed: boolean
    open(): void
    close(): void
    /** Both sides add the same messages in the same order. @returns false when the stream is full. */
    addMessage(options: { onmessage: (bytes: Uint8Array) => void }): MuxMessage
  }

  export default class Protomux {
    constructor(stream: NoiseSecretStream)
    /** False between a full stream and its next 'drain'. */
    readonly drained: boolean
    /** @returns null when the channel is open already or the stream is gone. */
    createChannel(options: {
      protocol: string
      onclose?: (isRemote: boolean) => void
      ondrain?: () => void
    }): MuxChannel | null
    // Not public, but the only places where a frame from outside enters and a failure leaves.
    protected _destroying: boolean
    readonly stream: NoiseSecretStream
    protected _remote: unknown[]
    protected _onopensession(state: unknown): unknown
    protected _ondata(bytes: Uint8Array): void
    protected _decode(remoteId: number, state: unknown): unknown
    protected _safeDestroy(error: Error): void
  }
}
