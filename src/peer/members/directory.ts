// Flow C: the records of the topic, ours among them, and who of their owners is there. Owns our own record
// (its numbers rise, also across restarts), the check of every signature, the time that membership goes
// by, and the news of what changed. The rules are in directory-table.ts and membership.ts, the travelling
// of records in gossip.ts.

import { SwarmError } from '../../base/errors.ts'
import { SIGNATURES_BURST, SIGNATURES_PER_SECOND } from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { decodeRecord, encodeRecord } from '../../wire/record-codec.ts'
import { Bucket } from '../../base/bucket.ts'
import { DirectoryTable, type DirectoryEntry } from './directory-table.ts'
import { Membership, type MembershipEvent, type MembershipMessage } from './membership.ts'
import { signRecord, verifyRecord, type Identity } from '../identity.ts'

import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { DigestEntry, MemberClaim } from '../../wire/control.ts'
import type { PeerRecord, SignedRecord } from '../../wire/record.ts'
import type { MemberState } from './member-state.ts'

/** A peer that is dead or has left for so long is forgotten. */
export const FORGET_AGE_MS = 600_000

/** Between two times that we raise our number above another process that uses our key. */
const RAISE_INTERVAL_MS = 5000
/** Between two reports of it: a person needs to know once in a while. */
const REPORT_INTERVAL_MS = 60_000

/** What a peer may say anew of itself while it runs. */
export type RecordChanges = Partial<
  Pick<PeerRecord, 'profile' | 'model' | 'pin' | 'held' | 'own' | 'loading' | 'left'>
>

export interface DirectoryHandlers {
  /** A record is new. `from` passed it on; null for our own. */
  onRecord(peer: PeerId, from: PeerId | null): void
  /** A peer came or went without a new record. */
  onState(peer: PeerId): void
  onDuplicate(error: SwarmError): void
  /** To a linked peer, about the others. */
  send(peer: PeerId, message: MembershipMessage): void
}

/** A peer as everybody above sees it. */
export interface DirectoryPeer {
  record: PeerRecord
  state: MemberState
}

export class Directory {
  readonly #identity: Identity
  readonly #clock: Clock
  readonly #handlers: DirectoryHandlers
  readonly #membership: Membership
  readonly #table: DirectoryTable
  readonly #signatures: Bucket
  /** Time in which we could hear the others: a stall of our own makes nobody dead. */
  #listenedMs = 0
  #raisedMs = -Infinity
  #reportedMs = -Infinity

  /** @param first what we say of ourselves until publish() says more. */
  constructor(
    identity: Identity,
    first: Pick<PeerRecord, 'name' | 'programVersion' | 'arithmeticVersion' | 'model'>,
    clock: Clock,
    random: Random,
    handlers: DirectoryHandlers
  ) {
    this.#identity = identity
    this.#clock = clock
    this.#handlers = handlers
    this.#membership = new Membership(identity.id, random)
    this.#table = new DirectoryTable(identity.id, (newcomer) => {
      const forgotten = this.#membership.dispensable(newcomer)
      if (forgotten !== null) this.#membership.forget(forgotten)
      return forgotten
    })
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
      held: [],
      own: [],
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
    return { record: entry.record, state: this.#membership.state(peer) }
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
    this.#handlers.onRecord(this.#identity.id, null)
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
    if (acceptance === 'stored') {
      this.#note(record)
      this.#handlers.onRecord(record.key, from)
    } else if (acceptance === 'duplicate') this.#duplicate(record)
  }

  linkUp(peer: PeerId): void {
    this.#apply({ type: 'link-up', peer })
  }

  /** @param left whether the peer said that it goes. */
  linkDown(peer: PeerId, left: boolean): void {
    this.#apply({ type: 'link-down', peer, left })
  }

  /** What a linked peer says about the others. */
  receive(from: PeerId, message: MembershipMessage): void {
    this.#apply({ type: 'message', from, message })
  }

  digest(): DigestEntry[] {
    return this.#table.digest()
  }

  /** What the sender of this digest lacks, and what is believed of those peers against them. */
  missing(entries: DigestEntry[]): { records: SignedRecord[]; claims: MemberClaim[] } {
    const missing = this.#table.missing(entries)
    return {
      records: missing.map(({ signed }) => signed),
      claims: this.#membership.claims(missing.map(({ record }) => record.key))
    }
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

  /**
   * To be called every ROUND_MS (membership.ts).
   * @param listenedMs of the time since the last call.
   */
  tick(listenedMs: number): void {
    this.#listenedMs += listenedMs
    this.#apply({ type: 'tick' })
    for (const peer of this.#membership.goneSince(this.#listenedMs - FORGET_AGE_MS)) {
      this.#membership.forget(peer)
      this.#table.forget(peer)
    }
  }

  #sign(record: PeerRecord): void {
    const signed = signRecord(this.#identity, encodeRecord(record))
    this.#table.publish({ record, signed })
    this.#note(record)
  }

  #note({ key, seq, left }: PeerRecord): void {
    this.#apply({ type: 'record', peer: key, incarnation: seq, left })
  }

  #apply(event: MembershipEvent): void {
    for (const effect of this.#membership.apply(event, this.#listenedMs)) {
      if (effect.type === 'send') this.#handlers.send(effect.to, effect.message)
      else if (effect.type === 'refute') this.publish({})
      // A change that came with a record is told with it.
      else if (event.type !== 'record') this.#handlers.onState(effect.peer)
    }
  }

  #duplicate(other: PeerRecord): void {
    const nowMs = this.#clock.now()
    // Passing its number tells the other process about us, and wins after a clock was turned back.
    if (nowMs - this.#raisedMs >= RAISE_INTERVAL_MS) {
      this.#raisedMs = nowMs
      this.#sign({ ...this.own.record, seq: other.seq + 1 })
      this.#handlers.onRecord(this.#identity.id, null)
    }
    // A record that says goodbye is our own, from an earlier life with a faster clock.
    if (!other.left) this.reportDuplicate(other.name)
  }
}
