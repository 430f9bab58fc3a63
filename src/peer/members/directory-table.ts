// The newest record of every peer of the topic. Pure: no clock, no keys, no signatures; every record was
// verified before. Owns the rules by which all peers end with the same records, whatever order they came
// in, and the bound of the table. Whether a peer is there is membership.ts's; directory.ts drives both.

import { DIRECTORY_RECORDS_MAX } from '../../base/limits.ts'

import type { DigestEntry } from '../../wire/control.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { PeerRecord, SignedRecord } from '../../wire/record.ts'

export interface DirectoryEntry {
  readonly record: PeerRecord
  readonly signed: SignedRecord
}

/** What became of a record: 'duplicate' means that another process signs with our own key. */
export type Acceptance = 'stored' | 'known' | 'older' | 'full' | 'duplicate'

export class DirectoryTable {
  readonly #self: PeerId
  readonly #makeRoom: (newcomer: PeerId) => PeerId | null
  readonly #entries = new Map<PeerId, DirectoryEntry>()

  /** @param makeRoom says whom to forget for a newcomer when the table is full; null: nobody. */
  constructor(self: PeerId, makeRoom: (newcomer: PeerId) => PeerId | null) {
    this.#self = self
    this.#makeRoom = makeRoom
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
    if (known === undefined && !this.#hasRoom(key)) return 'full'
    this.#entries.set(key, entry)
    return 'stored'
  }

  digest(): DigestEntry[] {
    return this.all().map(({ record: { key, seq } }) => ({ key, seq }))
  }

  /** Records that the sender of this digest lacks, or has in an older state. */
  missing(entries: DigestEntry[]): DirectoryEntry[] {
    const theirs = new Map(entries.map(({ key, seq }) => [key, seq]))
    return this.all().filter(({ record }) => record.seq > (theirs.get(record.key) ?? 0))
  }

  forget(peer: PeerId): void {
    this.#entries.delete(peer)
  }

  #hasRoom(newcomer: PeerId): boolean {
    if (this.#entries.size < DIRECTORY_RECORDS_MAX) return true
    const forgotten = this.#makeRoom(newcomer)
    return forgotten !== null && this.#entries.delete(forgotten)
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array | undefined): number {
  return b === undefined ? 1 : Buffer.compare(a, b)
}
