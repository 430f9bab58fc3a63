// hyperswarm 4.17: only what peer/discovery.ts calls.

declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type HyperDHT from 'hyperdht'
  import type { KeyPair } from '@hyperswarm/secret-stream'

  export interface TopicSession {
    /** Resolves when the first announcement and look-up are done; never quickly without internet. */
    flushed(): Promise<boolean>
    refresh(options?: { server?: boolean; client?: boolean }): Promise<boolean>
  }

  /** Event 'connection' (NoiseSecretStream), after its handshake. */
  export default class Hyperswarm extends EventEmitter {
    constructor(options: { dht: HyperDHT; keyPair: KeyPair; maxPeers?: number })
    join(topic: Uint8Array, options?: { server?: boolean; client?: boolean }): TopicSession
    joinPeer(publicKey: Uint8Array): void
    leavePeer(publicKey: Uint8Array): void
    listen(): Promise<unknown>
    destroy(options?: { force?: boolean }): Promise<void>
  }
}
