// One log that is fetched from whoever has it, within the bounds of base/limits.ts, and read as it grows.
// How long a log is and how many bytes it has is signed by its author and known before anything of it is
// fetched: what is beyond a bound is never asked for. Own logs are followed as well: that is how a tail
// comes back. The log of another rests while there is no news of it: its channels are closed, but for those
// to its author, who never rests. Owns the session of the log; whom it is offered to is replication.ts's.

import { Bucket } from '../../base/bucket.ts'
import {
  LOG_BLOCKS_BURST,
  LOG_BLOCKS_MAX,
  LOG_BLOCKS_PER_SECOND,
  LOG_BYTES_MAX,
  LOG_FAULTS_MAX
} from '../../base/limits.ts'
import { peerIdOf, type PeerId } from '../../wire/ids.ts'
import { LogTail } from './log-tail.ts'

import type Hypercore from 'hypercore'
import type { CorePeer, Download } from 'hypercore'
import type { Clock, Timer } from '../../base/clock.ts'
import type { SwarmError } from '../../base/errors.ts'

/** Until more may be fetched of a log that is fetched at the pace allowed. */
const PACE_MS = 250

/** Until what could not be stored is asked for again: RocksDB needs some seconds to see room. */
const RETRY_MS = 1000

export interface LogHandlers {
  onBlock(seq: number, block: Uint8Array): Promise<void> | void
  /** The log grew, or more of it is here. */
  onChange(): void
  /** A block is malformed; the last of those that are borne is followed by onRefused. */
  onFault(seq: number, error: SwarmError): void
  /** It grows faster than it is fetched; each time that it does. */
  onFlood(): void
  /** It breaks a bound, in words: nothing more is fetched. Once. */
  onRefused(reason: string): void
  /** A peer gave something that its author did not sign. */
  onForgery(peer: PeerId): void
  /** Our own store failed; what was to be stored is asked for again. */
  onError(error: unknown): void
  /** It is stored again. */
  onRecovered(): void
}

export interface LogShape {
  /** Of the first block that is read: the first of a bee is its header. */
  first: number
  /** Mean bytes of a block at most. */
  blockBytesMax: number
}

export class FollowedLog {
  readonly core: Hypercore
  readonly tail: LogTail
  readonly #shape: LogShape
  readonly #clock: Clock
  readonly #handlers: LogHandlers
  readonly #fetched: Bucket
  readonly #grown: Bucket
  readonly #downloads = new Set<Download>()
  #wanted = 0
  /** As peers last told; null before they have. */
  #heardLength: number | null = null
  #faults = 0
  #isRefused = false
  #timer: Timer | null = null
  #retry: Timer | null = null
  /** How much was here when storing began to fail. */
  #unstoredLength: number | null = null

  constructor(core: Hypercore, shape: LogShape, clock: Clock, handlers: LogHandlers) {
    this.core = core
    this.#shape = shape
    this.#clock = clock
    this.#handlers = handlers
    this.#fetched = new Bucket(clock, LOG_BLOCKS_PER_SECOND, LOG_BLOCKS_BURST)
    this.#grown = new Bucket(clock, LOG_BLOCKS_PER_SECOND, LOG_BLOCKS_BURST)
    this.tail = new LogTail(core, shape.first, {
      onBlock: handlers.onBlock,
      onFault: (seq, error) => this.#fault(seq, error),
      onError: handlers.onError
    })
    core.on('append', () => {
      this.#count()
      this.#wake()
      this.#grow()
    })
    core.on('download', () => {
      this.#wake()
      this.#arrived()
    })
    core.on('peer-remove', (peer) => this.#left(peer))
    core.on('verification-error', (error, _request, _answer, peer) => this.#unstored(error, peer))
    core.on('conflict', () => this.#refuse('two versions of it were signed'))
    this.#wanted = core.contiguousLength
    this.#wake()
    this.#grow()
  }

  /** Everything that its author has signed and we have heard of is here and read. */
  get isComplete(): boolean {
    const { length, peers, fork } = this.core
    const most = Math.max(length, ...peers.map((peer) => peerLength(peer, fork)))
    return this.#isRefused || (this.tail.next >= length && most === length)
  }

  get isRefused(): boolean {
    return this.#isRefused
  }

  async close(): Promise<void> {
    this.#stop()
    await this.tail.close()
    await written(this.core)
    await this.core.close()
  }

  /**
   * Hypercore keeps a channel while one side of it is active: some 8 KiB on either side, for every log on
   * every link. What stays inactive for REST_MS (shelf.ts) is closed, and opens on all links when either side
   * becomes active; a new link opens it once, for both sides to say how long theirs is.
   */
  #wake(): void {
    if (this.core.writable || this.core.closing !== null) return
    this.core.setActive(true)
    if (this.core.contiguousLength === this.core.length || this.#isRefused) {
      this.core.setActive(false)
    }
  }

  /** A channel was closed, because both sides rest or with its link: the other may have more. */
  #left({ remoteLength, remoteFork }: CorePeer): void {
    const { core, fork, length } = this.core
    if (core.replicator.downloading || remoteFork !== fork || remoteLength <= length) return
    // Protomux tells of a close before it sends it, and an open that comes first is refused.
    queueMicrotask(() => this.#wake())
  }

  #grow(): void {
    if (this.core.closing !== null || this.#isRefused) return
    const { length, byteLength } = this.core
    if (length > LOG_BLOCKS_MAX) return this.#refuse(`it has more than ${LOG_BLOCKS_MAX} entries`)
    if (byteLength > LOG_BYTES_MAX) return this.#refuse(`it has more than ${LOG_BYTES_MAX} bytes`)
    if (byteLength > length * this.#shape.blockBytesMax) {
      return this.#refuse(`its ${length} entries have ${byteLength} bytes`)
    }
    this.#fetch()
    this.#arrived()
  }

  /** What was written before we heard of it is a backlog; what is written while we follow may be a flood. */
  #count(): void {
    const { length } = this.core
    const grown = length - (this.#heardLength ?? length)
    this.#heardLength = length
    if (this.core.writable || this.#isRefused) return
    if (!this.#grown.take(grown)) this.#handlers.onFlood()
  }

  #fetch(): void {
    const missing = this.core.length - this.#wanted
    if (missing <= 0 || this.#timer !== null) return
    const count = this.#fetched.takeUpTo(missing)
    if (count > 0) {
      const range = { start: this.#wanted, end: this.#wanted + count }
      this.#wanted += count
      const download = this.core.download(range)
      this.#downloads.add(download)
      const done = () => void this.#downloads.delete(download)
      download.done().then(done, done)
    }
    if (count === missing) return
    this.#timer = this.#clock.after(PACE_MS, () => {
      this.#timer = null
      if (!this.#isRefused && this.core.closing === null) this.#fetch()
    })
  }

  #arrived(): void {
    if (this.#unstoredLength !== null && this.core.contiguousLength > this.#unstoredLength) {
      this.#unstoredLength = null
      this.#handlers.onRecovered()
    }
    this.tail.poke().then(() => this.#handlers.onChange(), this.#handlers.onError)
  }

  /** Hypercore asks a peer nothing more after this; its own errors alone are about the peer. */
  #unstored(error: Error, { remotePublicKey }: CorePeer): void {
    if (error.name === 'HypercoreError') {
      this.#handlers.onForgery(peerIdOf(remotePublicKey))
      return
    }
    this.#handlers.onError(error)
    this.#unstoredLength ??= this.core.contiguousLength
    if (this.#retry !== null || this.core.closing !== null) return
    this.#retry = this.#clock.after(RETRY_MS, () => {
      this.#retry = null
      this.#wake()
      for (const peer of this.core.peers) peer.paused = false
      if (this.core.closing === null) this.core.core.replicator.updateAll()
    })
  }

  #fault(seq: number, error: SwarmError): void {
    this.#handlers.onFault(seq, error)
    if (++this.#faults < LOG_FAULTS_MAX) return
    this.#refuse(`${LOG_FAULTS_MAX} of its entries are malformed`)
  }

  #refuse(reason: string): void {
    if (this.#isRefused) return
    this.#isRefused = true
    this.#stop()
    this.#wake()
    this.#handlers.onRefused(reason)
  }

  #stop(): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#retry?.cancel()
    this.#retry = null
    for (const download of this.#downloads) download.destroy()
  }
}

function peerLength(peer: { remoteFork: number; remoteLength: number }, fork: number): number {
  return peer.remoteFork === fork ? peer.remoteLength : 0
}

/** What peers gave is on its way to the store; a log that is closed under it takes the process with it. */
async function written({ closing, core }: Hypercore): Promise<void> {
  if (closing !== null) return
  const { mutex } = core.state
  await mutex.lock().then(
    () => mutex.unlock(),
    // Closed by another session meanwhile.
    () => {}
  )
}
