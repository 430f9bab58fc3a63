// hyperdht 6.34: only what peer/discovery.ts and peer/bootstrap.ts call.

declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'
  import type { default as NoiseSecretStream, KeyPair } from '@hyperswarm/secret-stream'

  export interface DhtAddress {
    host: string
    port: number
  }

  export interface DhtOptions {
    /** Empty: a node that knows nobody. Absent: the public DHT. */
    bootstrap?: DhtAddress[]
    /** UDP port; 0 means 49737 or a port near it. */
    port?: number
    /** IPv4 address to bind. */
    host?: string
    keyPair?: KeyPair
    ephemeral?: boolean
    firewalled?: boolean
    anyPort?: boolean
  }

  export interface ConnectOptions {
    relayAddresses?: DhtAddress[] | null
  }

  export default class HyperDHT extends EventEmitter {
    constructor(options: DhtOptions)
    /** The first node of a network: reachable at `host:port`, knows nobody. */
    static bootstrapper(port: number, host: string, options: DhtOptions): HyperDHT
    bind(): Promise<void>
    fullyBootstrapped(): Promise<void>
    /** Null before bind(). */
    localAddress(): DhtAddress | null
    connect(publicKey: Uint8Array, options?: ConnectOptions): NoiseSecretStream
    destroy(options?: { force?: boolean }): Promise<void>
  }
}

declare module 'hyperdht/testnet.js' {
  import type { DhtAddress } from 'hyperdht'

  export interface Testnet {
    bootstrap: DhtAddress[]
    destroy(): Promise<void>
  }

  export default function createTestnet(
    size: number,
    options: { host: string; teardown?: (work: () => unknown, options?: object) => void }
  ): Promise<Testnet>
}
