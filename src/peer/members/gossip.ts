// Flow C, how records travel: linked peers tell each other in a digest what they have, each sends what
// the other lacks, and whatever changes is pushed on at once. So a record reaches peers that its owner
// is not linked to. Owns the pace and the bounds; the records themselves are in directory.ts.

import { SwarmError } from '../../base/errors.ts'
import {
  GOSSIP_RECORDS_BURST,
  GOSSIP_RECORDS_MAX,
  GOSSIP_RECORDS_PER_SECOND
} from '../../base/limits.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import { Bucket } from '../../base/bucket.ts'

import type { Clock, Timer } from '../../base/clock.ts'
import type { ControlMessage } from '../../wire/control.ts'
import type { SignedRecord } from '../../wire/record.ts'
import type { Directory } from './directory.ts'

/** Between two digests to every neighbour: they repair whatever was not pushed. */
const DIGEST_INTERVAL_MS = 2000

/** Changes within this time travel together: progress of loading must not become a flood. */
const PUSH_INTERVAL_MS = 250

/**
 * Full answers to the digests of one neighbour per second, and at once: each may be 256 records. A link
 * begins with two digests.
 */
const ANSWERS_PER_SECOND = 1
const ANSWERS_BURST = 2
/**
 * Records pushed to one neighbour per second, and at once. With the answers they stay below what it takes
 * of us (GOSSIP_RECORDS_PER_SECOND), or others could make us flood it by flooding us. What is not pushed
 * comes with the answer to its next digest.
 */
const PUSHES_PER_SECOND = 128
const PUSHES_BURST = 256

/** What gossip needs of a link. */
export interface Neighbour {
  readonly peer: PeerId
  send(message: ControlMessage): void
}

interface Neighbourhood {
  neighbour: Neighbour
  records: Bucket
  answers: Bucket
  pushes: Bucket
}

export class Gossip {
  readonly #directory: Directory
  readonly #clock: Clock
  readonly #neighbours = new Map<PeerId, Neighbourhood>()
  /** Records to push, and from whom each came. */
  readonly #pending = new Map<PeerId, PeerId | null>()
  #digestPending = false
  #digestMs = -Infinity
  #flushMs = -Infinity
  #flush: Timer | null = null

  constructor(directory: Directory, clock: Clock) {
    this.#directory = directory
    this.#clock = clock
  }

  linkUp(neighbour: Neighbour): void {
    this.#neighbours.set(neighbour.peer, {
      neighbour,
      records: new Bucket(this.#clock, GOSSIP_RECORDS_PER_SECOND, GOSSIP_RECORDS_BURST),
      answers: new Bucket(this.#clock, ANSWERS_PER_SECOND, ANSWERS_BURST),
      pushes: new Bucket(this.#clock, PUSHES_PER_SECOND, PUSHES_BURST)
    })
    neighbour.send({ type: 'digest', entries: this.#directory.digest() })
    this.#digestPending = true // the others should learn soon that this one is there
    this.#flushSoon()
  }

  linkDown(peer: PeerId): void {
    this.#neighbours.delete(peer)
  }

  /** A record changed; `from` has it already. */
  push(peer: PeerId, from: PeerId | null): void {
    this.#pending.set(peer, from)
    this.#flushSoon()
  }

  /** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when the neighbour breaks the rules; close its link. */
  receive(from: PeerId, message: ControlMessage): void {
    const known = this.#neighbours.get(from)
    if (known === undefined) return
    if (message.type === 'digest') {
      if (!known.answers.take()) return
      const { records, claims } = this.#directory.missing(message.entries)
      this.#send(known.neighbour, records)
      // Behind the records, without which they would mean nothing: who has just come knows nobody dead.
      if (claims.length > 0) known.neighbour.send({ type: 'members', claims })
    } else if (message.type === 'gossip') {
      if (!known.records.take(message.records.length)) {
        const text = `${shortId(from)} sends more than ${GOSSIP_RECORDS_PER_SECOND} records per second`
        throw new SwarmError('WIRE_TOO_LARGE', text)
      }
      for (const record of message.records) this.#directory.accept(record, from)
    }
  }

  tick(): void {
    if (this.#clock.now() - this.#digestMs >= DIGEST_INTERVAL_MS) this.#sendDigests()
  }

  /** Sends at once what waits; the last thing before leaving. */
  flush(): void {
    this.#flush?.cancel()
    this.#flush = null
    this.#flushMs = this.#clock.now()
    // Our own record first: nobody else pushes it.
    const pending = [...this.#pending].toSorted(
      (a, b) => Number(a[1] !== null) - Number(b[1] !== null)
    )
    this.#pending.clear()
    for (const { neighbour, pushes } of this.#neighbours.values()) {
      const records = pending
        .filter(([peer, from]) => peer !== neighbour.peer && from !== neighbour.peer)
        .map(([peer]) => this.#directory.signed(peer))
        .filter((record) => record !== null)
      this.#send(neighbour, records.slice(0, pushes.takeUpTo(records.length)))
    }
    if (this.#digestPending) this.#sendDigests()
  }

  close(): void {
    this.#flush?.cancel()
  }

  #flushSoon(): void {
    if (this.#flush !== null) return
    const waitMs = Math.max(0, this.#flushMs + PUSH_INTERVAL_MS - this.#clock.now())
    this.#flush = this.#clock.after(waitMs, () => this.flush())
  }

  #sendDigests(): void {
    this.#digestPending = false
    this.#digestMs = this.#clock.now()
    const entries = this.#directory.digest()
    for (const { neighbour } of this.#neighbours.values()) {
      neighbour.send({ type: 'digest', entries })
    }
  }

  #send(neighbour: Neighbour, records: SignedRecord[]): void {
    for (let start = 0; start < records.length; start += GOSSIP_RECORDS_MAX) {
      const batch = records.slice(start, start + GOSSIP_RECORDS_MAX)
      neighbour.send({ type: 'gossip', records: batch })
    }
  }
}
