// What one author's logs come to: for each entry whether it lives, by the newest value of its id over all
// epochs, and where its vector lies. Feeds the index, which is told of a vector only together with a living
// fact. The order in which the two logs are read does not matter to the outcome. Pure but for the vector
// that it asks for again.

import { SwarmError } from '../../base/errors.ts'
import { entryId } from './entry-id.ts'

import type { FactValue } from '../../wire/fact.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { Basin, Fact } from '../../wire/knowledge.ts'

/** Where a block lies; the later place of an author wins. */
export interface Place {
  epoch: number
  seq: number
}

export interface TableSink {
  putFact(fact: Fact): void
  putBasin(basin: Basin): void
  remove(id: string): void
  /** The record at a place that was read before; null when it cannot be had any more. */
  readBasin(place: Place): Promise<Basin | null>
}

interface Entry {
  fact: Place | null
  isLive: boolean
  basin: (Place & { spaceId: string }) | null
}

export class EntryTable {
  readonly #author: PeerId
  readonly #sink: TableSink
  readonly #entries = new Map<string, Entry>()
  #live = 0

  constructor(author: PeerId, sink: TableSink) {
    this.#author = author
    this.#sink = sink
  }

  /** Living entries. */
  get size(): number {
    return this.#live
  }

  isLive(id: string): boolean {
    return this.#entries.get(id)?.isLive ?? false
  }

  /** Of the newest vector of the entry, living or not; null without one. */
  spaceOf(id: string): string | null {
    return this.#entries.get(id)?.basin?.spaceId ?? null
  }

  /** @throws WIRE_BAD_FRAME when the fact is not what its id says. */
  async putValue(place: Place, id: string, value: FactValue): Promise<void> {
    const { type, ...fact } = value
    if (value.type === 'fact' && entryId(this.#author, value) !== id) {
      throw new SwarmError('WIRE_BAD_FRAME', 'a fact is kept under an id that is not its own')
    }
    const entry = this.#entry(id)
    if (entry.fact !== null && !isLater(place, entry.fact)) return
    const wasLive = entry.isLive
    entry.fact = place
    entry.isLive = type === 'fact'
    this.#live += Number(entry.isLive) - Number(wasLive)
    if (!entry.isLive) {
      if (wasLive) this.#sink.remove(id)
      return
    }
    this.#sink.putFact({ id, ...(fact as Omit<Fact, 'id'>) })
    if (wasLive || entry.basin === null) return
    const { basin: where } = entry
    const basin = await this.#sink.readBasin(where)
    if (basin !== null && entry.isLive && entry.basin === where) this.#sink.putBasin(basin)
  }

  putBasin(place: Place, basin: Basin): void {
    const entry = this.#entry(basin.id)
    if (entry.basin !== null && !isLater(place, entry.basin)) return
    entry.basin = { ...place, spaceId: basin.spaceId }
    if (entry.isLive) this.#sink.putBasin(basin)
  }

  #entry(id: string): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined) {
      entry = { fact: null, isLive: false, basin: null }
      this.#entries.set(id, entry)
    }
    return entry
  }
}

function isLater(a: Place, b: Place): boolean {
  return a.epoch === b.epoch ? a.seq > b.seq : a.epoch > b.epoch
}
