// What is known of every peer of the topic: its newest record and the last evidence that it is there.
// Pure: no clock, no keys, no signatures; time comes in as a number and every record was verified
// before. Owns the rules by which all peers end with the same records, whatever order they came in,
// and the bound of the table. directory.ts drives it.

import { DIRECTORY_RECORDS_MAX } from '../../base/limits.ts'

import type { DigestEntry } from '../../wire/control.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { PeerRecord, SignedRecord } from '../../wire/record.ts'

/**
 * Without a link of our own, a peer counts as there when some linked peer had evidence of it within this
 * time. Digests come every 2 s and evidence ages on its way, so two may be missed.
 */
export const ALIVE_AGE_MAX_MS = 6000

/** A peer of which nobody has had evidence for so long is forgotten. */
export const FORGET_AGE_MS = 600_000

export type PeerState = 'alive' | 'left'

export interface DirectoryEntry {
  readonly record: PeerRecord
  readonly signed: SignedRecord
}

/** What became of a record: 'duplicate' means that another process signs with our own key. */
export type Acceptance = 'stored' | 'known' | 'older' | 'full' | 'duplicate'

export class DirectoryTable {
  readonly #self: PeerId
  readonly #entries = new Map<PeerId, DirectoryEntry>()
  /** When each peer was last known to be there; also of peers whose record is still on its way. */
  readonly #evidenceMs = new Map<PeerId, number>()
  readonly #linked = new Set<PeerId>()

  constructor(self: PeerId) {
    this.#self = self
  }

  get(peer: PeerId): DirectoryEntry | null {
    return this.#entries.get(peer) ?? null
  }

  /** All entries in the order of their keys, our own among them. */
  all(): DirectoryEntry[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.record.key < b.record.key ? -1 : 1))
  }

  /** Our own newest record. */
  publish(entry: DirectoryEntry): void {
    this.#entries.set(this.#self, entry)
  }

  /** A record of anybody, its signature verified. */
  accept(entry: DirectoryEntry): Acceptance {
    const { key, seq } = entry.record
    const known = this.#entries.get(key)
    const order = known === undefined ? 1 : seq - known.record.seq
    if (order < 0) return 'older'
    const later = order > 0 || compareBytes(entry.signed.bytes, known?.signed.bytes) > 0
    if (key === this.#self) return order > 0 ? 'duplicate' : 'known'
    // One key that signs two records of one number is at fault; all must still choose the same one.
    if (!later) return order === 0 && known !== undefined ? 'known' : 'older'
    if (known === undefined && !this.#makeRoom(key)) return 'full'
    this.#entries.set(key, entry)
    return 'stored'
  }

  linkUp(peer: PeerId): void {
    this.#linked.add(peer)
  }

  linkDown(peer: PeerId, nowMs: number): void {
    this.#linked.delete(peer)
    this.#evidenceMs.set(peer, nowMs)
  }

  /** The digest of a linked peer: what it knows of others is evidence of them, at their age. */
  heard(entries: DigestEntry[], nowMs: number): void {
    for (const { key, ageMs } of entries) {
      const known = this.#evidenceMs.get(key) ?? -Infinity
      // Deleting first keeps the map in the order of hearing.
      this.#evidenceMs.delete(key)
      this.#evidenceMs.set(key, Math.max(known, nowMs - ageMs))
      if (this.#evidenceMs.size > 2 * DIRECTORY_RECORDS_MAX) this.#forgetRumour()
    }
  }

  state(peer: PeerId, nowMs: number): PeerState {
    const entry = this.#entries.get(peer)
    if (entry === undefined || entry.record.left) return 'left'
    return this.#ageMs(peer, nowMs) <= ALIVE_AGE_MAX_MS ? 'alive' : 'left'
  }

  digest(nowMs: number): DigestEntry[] {
    return this.all().map(({ record: { key, seq } }) => {
      const ageMs = Math.min(Math.round(this.#ageMs(key, nowMs)), 2 ** 32 - 1)
      return { key, seq, ageMs }
    })
  }

  /** Records that the sender of this digest lacks, or has in an older state. */
  missing(entries: DigestEntry[]): SignedRecord[] {
    const theirs = new Map(entries.map(({ key, seq }) => [key, seq]))
    return this.all()
      .filter(({ record }) => record.seq > (theirs.get(record.key) ?? 0))
      .map(({ signed }) => signed)
  }

  /** Forgets peers that nobody has seen for long. */
  sweep(nowMs: number): void {
    for (const peer of [...this.#entries.keys(), ...this.#evidenceMs.keys()]) {
      if (this.#ageMs(peer, nowMs) <= FORGET_AGE_MS) continue
      this.#entries.delete(peer)
      this.#evidenceMs.delete(peer)
    }
  }

  /** Of the keys without a record, which anybody can make up, the one heard of longest ago. */
  #forgetRumour(): void {
    for (const peer of this.#evidenceMs.keys()) {
      if (!this.#entries.has(peer)) return void this.#evidenceMs.delete(peer)
    }
  }

  #ageMs(peer: PeerId, nowMs: number): number {
    if (peer === this.#self || this.#linked.has(peer)) return 0
    return Math.max(0, nowMs - (this.#evidenceMs.get(peer) ?? -Infinity))
  }

  /** In a full table, the peer unseen for longest goes; one that we are linked to never does. */
  #makeRoom(newcomer: PeerId): boolean {
    if (this.#entries.size < DIRECTORY_RECORDS_MAX) return true
    const evidence = (peer: PeerId) => this.#evidenceMs.get(peer) ?? -Infinity
    const others = [...this.#entries.keys()].filter(
      (peer) => peer !== this.#self && !this.#linked.has(peer)
    )
    if (others.length === 0) return false
    const oldest = others.reduce((a, b) => (evidence(b) < evidence(a) ? b : a))
    if (!this.#linked.has(newcomer) && evidence(newcomer) <= evidence(oldest)) return false
    this.#entries.delete(oldest)
    return true
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array | undefined): number {
  return b === undefined ? 1 : Buffer.compare(a, b)
}
