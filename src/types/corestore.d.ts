// corestore 7.12, hypercore 11.37 and hyperbee 2.27: only what knowledge/store/ calls.

declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'

  /** A peer of one log. */
  export interface CorePeer {
    readonly remotePublicKey: Uint8Array
    /** Whether the first message of the peer is here. */
    readonly remoteSynced: boolean
    readonly remoteLength: number
    readonly remoteFork: number
    /** True when nothing more is asked of this peer: a write of ours failed, or its data did. */
    paused: boolean
    readonly channel: { close(): void }
  }

  export interface Download {
    done(): Promise<unknown>
    destroy(): void
  }

  /**
   * Events: 'append' (longer, by us or a peer), 'download', 'conflict', 'verification-error' (error, request,
   * answer, peer): an answer of a peer was wrong, or could not be stored; 'peer-remove' (peer): its channel
   * is closed.
   */
  export default class Hypercore extends EventEmitter {
    ready(): Promise<void>
    /** All but ready() and close() hold once it has resolved. */
    readonly key: Uint8Array
    readonly discoveryKey: Uint8Array
    readonly length: number
    readonly byteLength: number
    readonly fork: number
    readonly writable: boolean
    readonly closing: Promise<void> | null
    /** Blocks from the first on that are all here. */
    readonly contiguousLength: number
    readonly peers: readonly CorePeer[]
    /** Since 1970, when RocksDB was reopened without its log; appends then wait for peers. 0: never. */
    readonly recovering: number
    readonly core: {
      readonly header: { readonly hints: { recovering: number } }
      hintsChanged: boolean
      /** Held while blocks and tree are written. */
      readonly state: { readonly mutex: { lock(): Promise<void>; unlock(): void } }
      flushHints(): Promise<void>
      readonly replicator: {
        /** Some session is active, or was within the linger. */
        readonly downloading: boolean
        detachFrom(mux: unknown): void
        /** Asks peers for whatever is missing. */
        updateAll(): void
      }
    }
    append(blocks: Uint8Array[]): Promise<{ length: number }>
    get(index: number, options?: { wait?: boolean }): Promise<Uint8Array | null>
    has(start: number, end?: number): Promise<boolean>
    /** Hash over the roots of the tree of the first `length` blocks. */
    treeHash(length?: number): Promise<Uint8Array>
    download(range: { start: number; end: number }): Download
    /** Offers this log on a Protomux that exists; once per log and mux. */
    replicate(mux: unknown): unknown
    /** Sessions are active from the start; a channel is closed when neither side has an active one. */
    setActive(isActive: boolean): void
    close(): Promise<void>
  }
}

declare module 'corestore' {
  import type Hypercore from 'hypercore'

  export interface RocksDb {
    /** The log that writes go to now; its path begins with / and is relative to the database. */
    currentWalFile(): Promise<{ path: string }>
  }

  export type GetOptions = ({ name: string } | { key: Uint8Array }) & {
    /** False: a log that its author rewrites is not followed there. */
    allowFork: boolean
    inflightRange?: [number, number]
    /** Milliseconds from when no session is active until the log is told to be idle. */
    notDownloadingLinger?: number
  }

  export default class Corestore {
    constructor(folder: string)
    ready(): Promise<void>
    readonly storage: { readonly rocks: RocksDb }
    get(options: GetOptions): Hypercore
    close(): Promise<void>
  }
}

declare module 'hyperbee' {
  import type Hypercore from 'hypercore'

  export interface BeeBatch {
    put(key: Uint8Array, value: Uint8Array): Promise<void>
    /** What flush() would append. */
    toBlocks(): Uint8Array[]
    close(): Promise<void>
  }

  export default class Hyperbee {
    constructor(core: Hypercore, options: { extension: false })
    ready(): Promise<void>
    batch(): BeeBatch
  }
}
