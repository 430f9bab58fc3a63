// Which entries a question may be answered with, decided for all of them at once: what is asked of author,
// kind and time lies in columns by slot, so that a hundred thousand entries take well below a millisecond.
// Owns the columns; a source is looked up in its fact, because few questions name one.

import type { PeerId } from '../../wire/ids.ts'
import type { Fact, QueryRequest } from '../../wire/knowledge.ts'

const SLOTS_START = 1024

export class EntryFilter {
  /** By slot: 1 where there is an entry that can be found. */
  #findable = new Uint8Array(SLOTS_START)
  #wallMs = new Float64Array(SLOTS_START)
  #authorAt = new Uint32Array(SLOTS_START)
  readonly #facts: (Fact | undefined)[] = []
  readonly #authors = new Map<PeerId, number>()

  /** 1 at the slots of all entries that can be found. */
  get findable(): Uint8Array {
    return this.#findable
  }

  add(slot: number, author: PeerId, fact: Fact): void {
    if (slot >= this.#findable.length) this.#grow(2 * slot)
    const at = this.#authors.get(author) ?? this.#authors.size
    this.#authors.set(author, at)
    this.#findable[slot] = 1
    this.#wallMs[slot] = fact.wallMs
    this.#authorAt[slot] = at
    this.#facts[slot] = fact
  }

  remove(slot: number): void {
    this.#findable[slot] = 0
    this.#facts[slot] = undefined
  }

  /** @returns 1 at the slots that the request may be answered with; null when it may be with all. */
  mask(request: QueryRequest): Uint8Array | null {
    const { kind, author, source, sinceMs } = request
    if ([kind, author, source, sinceMs].every((field) => field === undefined)) return null
    const mask = this.#findable.slice(0, this.#facts.length)
    if (author !== undefined) {
      const isAuthor = Uint8Array.from(this.#authors.keys(), (key) => +key.startsWith(author))
      keep(mask, (slot) => isAuthor[this.#authorAt[slot] as number] === 1)
    }
    if (sinceMs !== undefined) keep(mask, (slot) => (this.#wallMs[slot] as number) >= sinceMs)
    if (kind !== undefined) keep(mask, (slot) => this.#facts[slot]?.kind === kind)
    if (source !== undefined)
      keep(mask, (slot) => this.#facts[slot]?.source.includes(source) === true)
    return mask
  }

  #grow(slots: number): void {
    const [findable, wallMs, authorAt] = [this.#findable, this.#wallMs, this.#authorAt]
    this.#findable = new Uint8Array(slots)
    this.#findable.set(findable)
    this.#wallMs = new Float64Array(slots)
    this.#wallMs.set(wallMs)
    this.#authorAt = new Uint32Array(slots)
    this.#authorAt.set(authorAt)
  }
}

function keep(mask: Uint8Array, isKept: (slot: number) => boolean): void {
  for (let slot = 0; slot < mask.length; slot++) {
    if (mask[slot] === 1 && !isKept(slot)) mask[slot] = 0
  }
}
