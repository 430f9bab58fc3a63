// Flow C: the records of the topic, ours among them. Owns our own record (its numbers rise, also across
// restarts), the check of every signature, and the news of what changed. The rules are in
// directory-table.ts, the travelling in gossip.ts.

import { SwarmError } from '../../base/errors.ts'
import { SIGNATURES_BURST, SIGNATURES_PER_SECOND } from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { decodeRecord, encodeRecord } from '../../wire/record-codec.ts'
import { Bucket } from '../bucket.ts'
import { DirectoryTable, type DirectoryEntry, type PeerState } from './directory-table.ts'
import { signRecord, verifyRecord, type Identity } from '../identity.ts'

import type { Clock } from '../../base/clock.ts'
import type { DigestEntry } from '../../wire/control.ts'
import type { PeerRecord, SignedRecord } from '../../wire/record.ts'

/** Between two times that we raise our number above another process that uses our key. */
const RAISE_INTERVAL_MS = 5000
/** Between two reports of it: a person needs to know once in a while. */
const REPORT_INTERVAL_MS = 60_000

/** What a peer may say anew of itself while it runs. */
export type RecordChanges = Partial<
  Pick<PeerRecord, 'profile' | 'model' | 'pin' | 'held' | 'loading' | 'left'>
>

export interface DirectoryHandlers {
  /** A record is new. `from` passed it on; null for our own. */
  onRecord(peer: PeerId, from: PeerId | null): void
  /** A peer came or went without a new record. */
  onState(peer: PeerId): void
  onDuplicate(error: SwarmError): void
}

/** A peer as everybody above sees it. */
export interface DirectoryPeer {
  record: PeerRecord
  state: PeerState
}

export class Directory {
  readonly #identity: Identity
  readonly #clock: Clock
  readonly #handlers: DirectoryHandlers
  readonly #table: DirectoryTable
  readonly #signatures: Bucket
  readonly #states = new Map<PeerId, PeerState>()
  #raisedMs = -Infinity
  #reportedMs = -Infinity

  /** @param first what we say of ourselves until publish() says more. */
  constructor(
    identity: Identity,
    first: Pick<PeerRecord, 'name' | 'programVersion' | 'arithmeticVersion' | 'model'>,
    clock: Clock,
    handlers: DirectoryHandlers
  ) {
    this.#identity = identity
    this.#clock = clock
    this.#handlers = handlers
    this.#table = new DirectoryTable(identity.id)
    this.#signatures = new Bucket(clock, SIGNATURES_PER_SECOND, SIGNATURES_BURST)
    this.#sign({
      ...first,
      key: identity.id,
      // Milliseconds since 1970 outgrow the changes of any earlier life; if the machine's clock was
      // turned back, the first peer we meet tells us the number to pass.
      seq: Math.max(1, Math.floor(clock.wallMs())),
      left: false,
      profile: null,
      pin: null,
      held: null,
      loading: null
    })
  }

  /** Our own record with its signature. */
  get own(): DirectoryEntry {
    return this.#table.get(this.#identity.id) as DirectoryEntry
  }

  get(peer: PeerId): DirectoryPeer | null {
    const entry = this.#table.get(peer)
    if (entry === null) return null
    return { record: entry.record, state: this.#table.state(peer, this.#clock.now()) }
  }

  signed(peer: PeerId): SignedRecord | null {
    return this.#table.get(peer)?.signed ?? null
  }

  /** Every peer known, in the order of the keys, ourselves among them. */
  peers(): DirectoryPeer[] {
    return this.#table.all().map(({ record }) => this.get(record.key) as DirectoryPeer)
  }

  publish(changes: RecordChanges): void {
    const { record } = this.own
    this.#sign({ ...record, ...changes, seq: record.seq + 1 })
    this.#changed(this.#identity.id, null)
  }

  /**
   * A record from anybody, verified here.
   * @param from the peer that passed it on.
   * @throws WIRE_BAD_FRAME when it is malformed or its signature is wrong: `from` should have checked.
   */
  accept(signed: SignedRecord, from: PeerId): void {
    const record = decodeRecord(signed.bytes)
    const known = this.#table.get(record.key)
    // What is passed around is mostly known; a signature is checked only when it matters.
    if (known !== null && record.seq < known.record.seq) return
    if (known !== null && Buffer.compare(signed.bytes, known.signed.bytes) === 0) return
    // Peers come and go with a burst each; together they get no more than this. A later digest repairs it.
    if (!this.#signatures.take()) return
    if (!verifyRecord(record.key, signed)) {
      throw new SwarmError(
        'WIRE_BAD_FRAME',
        `${shortId(from)} passed on a record of ${shortId(record.key)} with a wrong signature`
      )
    }
    // The bytes may lie in a slab that the connection shares with much else. (A Buffer's slice() would
    // be a view of it.)
    const entry = {
      record,
      signed: {
        bytes: new Uint8Array(signed.bytes),
        signature: new Uint8Array(signed.signature)
      }
    }
    const acceptance = this.#table.accept(entry)
    if (acceptance === 'stored') this.#changed(record.key, from)
    else if (acceptance === 'duplicate') this.#duplicate(record)
  }

  linkUp(peer: PeerId): void {
    this.#table.linkUp(peer)
    this.#noteState(peer)
  }

  linkDown(peer: PeerId): void {
    this.#table.linkDown(peer, this.#clock.now())
    this.#noteState(peer)
  }

  digest(): DigestEntry[] {
    return this.#table.digest(this.#clock.now())
  }

  heard(entries: DigestEntry[]): void {
    this.#table.heard(entries, this.#clock.now())
    for (const { key } of entries) this.#noteState(key)
  }

  missing(entries: DigestEntry[]): SignedRecord[] {
    return this.#table.missing(entries)
  }

  /** @param where the other process with our key runs, as far as is known; foreign text. */
  reportDuplicate(where: string): void {
    const nowMs = this.#clock.now()
    if (nowMs - this.#reportedMs < REPORT_INTERVAL_MS) return
    this.#reportedMs = nowMs
    this.#handlers.onDuplicate(
      new SwarmError(
        'PEER_DUPLICATE',
        `Another process uses this peer's identity, on '${clip(where)}': a data directory was copied, ` +
          `or this machine's clock was turned back. If it was copied, delete the file 'identity' in ` +
          `one of them.`
      )
    )
  }

  /** To be called about once a second: time alone makes a peer leave. */
  sweep(): void {
    this.#table.sweep(this.#clock.now())
    for (const peer of this.#states.keys()) {
      if (this.#table.get(peer) === null) this.#states.delete(peer)
      else this.#noteState(peer)
    }
  }

  #sign(record: PeerRecord): void {
    const signed = signRecord(this.#identity, encodeRecord(record))
    this.#table.publish({ record, signed })
  }

  #changed(peer: PeerId, from: PeerId | null): void {
    this.#states.set(peer, this.#table.state(peer, this.#clock.now()))
    this.#handlers.onRecord(peer, from)
  }

  #noteState(peer: PeerId): void {
    if (this.#table.get(peer) === null) return
    const state = this.#table.state(peer, this.#clock.now())
    if (this.#states.get(peer) === state) return
    this.#states.set(peer, state)
    this.#handlers.onState(peer)
  }

  #duplicate(other: PeerRecord): void {
    const nowMs = this.#clock.now()
    // Passing its number tells the other process about us, and wins after a clock was turned back.
    if (nowMs - this.#raisedMs >= RAISE_INTERVAL_MS) {
      this.#raisedMs = nowMs
      this.#sign({ ...this.own.record, seq: other.seq + 1 })
      this.#changed(this.#identity.id, null)
    }
    // A record that says goodbye is our own, from an earlier life with a faster clock.
    if (!other.left) this.reportDuplicate(other.name)
  }
}
