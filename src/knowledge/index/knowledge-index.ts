// The union of all logs as one searchable memory: entries by words and by angle, filtered, fused. Lives in
// memory only and is rebuilt from the logs; owns what an entry needs to be found (a fact; its basin helps)
// and how much it holds. Knows no log, no peer and no disk. The order of hits depends on the entries
// alone, not on when they came, so peers with the same logs answer alike.

import {
  ENTRY_WORDS_MAX,
  INDEX_AUTHOR_ENTRIES_MAX,
  INDEX_ENTRIES_MAX,
  QUERY_HITS_MAX,
  QUERY_WORDS_MAX
} from '../../base/limits.ts'
import { openVectorScan } from '../../compute/open-vector-scan.ts'
import type { VectorScan } from '../../compute/vector-scan.ts'
import type { PeerId } from '../../wire/ids.ts'
import type { Basin, Fact, Hit, QueryRequest, Scope } from '../../wire/knowledge.ts'
import type { Embedder } from '../embedder/embedder.ts'
import { hashEmbedder } from '../embedder/hash-embedder.ts'
import { wordsOf } from '../embedder/words.ts'
import { EntryFilter } from './entry-filter.ts'
import { searchText } from './entry-text.ts'
import { fuse } from './fusion.ts'
import { InvertedIndex } from './inverted-index.ts'

const LIMIT_DEFAULT = 10
/** Places of each ranking that are fused: far enough that a hit of one is seen when the other agrees. */
const FUSION_DEPTH = QUERY_HITS_MAX
/** Below this cosine an entry that shares no word with the question is no answer: of unrelated texts 9 in
 * 10 lie below it, of related ones 1 in 10. */
const SIMILARITY_MIN = 0.15

interface Entry {
  author: PeerId
  id: string
  /** Of author and id, 48 bytes: orders what is otherwise equal. */
  key: Uint8Array
  scope: Scope
  /** Null while only the basin has come: not findable yet. */
  fact: Fact | null
  /** UTF-16 units of the fact's texts. */
  chars: number
  hasVector: boolean
}

export interface KnowledgeIndexOptions {
  embedder?: Embedder
  scan?: VectorScan
  /** Bounds, for tests; those of limits.ts otherwise. */
  entriesMax?: number
  authorEntriesMax?: number
}

export class KnowledgeIndex {
  readonly #embedder: Embedder
  readonly #scan: VectorScan
  readonly #words = new InvertedIndex()
  readonly #entriesMax: number
  readonly #authorEntriesMax: number
  /** By slot; a slot that is free is used again. */
  readonly #entries: (Entry | undefined)[] = []
  readonly #free: number[] = []
  readonly #slots = new Map<string, number>()
  readonly #slotsOf = new Map<PeerId, Set<number>>()
  readonly #filter = new EntryFilter()
  /** Basins whose fact is here too: while others are, the scan has to leave those out. */
  #findableBasins = 0

  constructor(options: KnowledgeIndexOptions = {}) {
    this.#embedder = options.embedder ?? hashEmbedder
    this.#scan = options.scan ?? openVectorScan()
    this.#entriesMax = options.entriesMax ?? INDEX_ENTRIES_MAX
    this.#authorEntriesMax = options.authorEntriesMax ?? INDEX_AUTHOR_ENTRIES_MAX
  }

  /** Entries that can be found. */
  get size(): number {
    return this.#words.size
  }

  get embedder(): Embedder {
    return this.#embedder
  }

  /** Entries of one author that can be found, and the UTF-16 units of their texts. */
  countOf(author: PeerId): { entries: number; chars: number } {
    const found = { entries: 0, chars: 0 }
    for (const slot of this.#slotsOf.get(author) ?? []) {
      const { fact, chars } = this.#entries[slot] as Entry
      if (fact === null) continue
      found.entries++
      found.chars += chars
    }
    return found
  }

  /**
   * Adds a fact or replaces the one of this author and id.
   * @returns false when the index, or this author's share of it, is full: the entry is left out.
   */
  putFact(author: PeerId, fact: Fact, scope: Scope = 'swarm'): boolean {
    const slot = this.#slotFor(author, fact.id)
    if (slot === null) return false
    const entry = this.#entries[slot] as Entry
    this.#dropFact(slot, entry)
    entry.fact = fact
    entry.scope = scope
    entry.chars = searchText(fact).length
    this.#words.add(slot, indexWords(fact))
    this.#filter.add(slot, author, fact)
    if (entry.hasVector) this.#findableBasins++
    return true
  }

  /** Adds or replaces a basin; one of another space, or whose vector is none, is left out. */
  putBasin(author: PeerId, basin: Basin): boolean {
    if (basin.spaceId !== this.#embedder.spaceId) return false
    const isNew = !this.#slots.has(keyText(author, basin.id))
    const slot = this.#slotFor(author, basin.id)
    if (slot === null) return false
    const entry = this.#entries[slot] as Entry
    if (!this.#scan.set(slot, entry.key, basin.vector)) {
      if (isNew) this.#dropEntry(slot, entry)
      return false
    }
    if (!entry.hasVector && entry.fact !== null) this.#findableBasins++
    entry.hasVector = true
    return true
  }

  /** Forgets the entry of this author, as its tombstone asks. */
  remove(author: PeerId, id: string): void {
    const slot = this.#slots.get(keyText(author, id))
    if (slot !== undefined) this.#dropEntry(slot, this.#entries[slot] as Entry)
  }

  forgetAuthor(author: PeerId): void {
    for (const slot of this.#slotsOf.get(author) ?? []) {
      this.#dropEntry(slot, this.#entries[slot] as Entry)
    }
  }

  /** @returns at most `limit` entries, best first; `authorName` is for the caller to fill in. */
  query(request: QueryRequest): Hit[] {
    const limit = Math.min(request.limit ?? LIMIT_DEFAULT, QUERY_HITS_MAX)
    const mask = this.#filter.mask(request)
    const isAllowed = (slot: number) => mask === null || mask[slot] === 1
    const isBefore = (a: number, b: number) => this.#isBefore(a, b)
    const question = this.#embedder.embed(request.text)
    const words = wordsOf(request.text, ENTRY_WORDS_MAX)
    const byText = this.#words.search(words, QUERY_WORDS_MAX, FUSION_DEPTH, isAllowed, isBefore)
    const byVector = this.#scan
      .search(question, FUSION_DEPTH, mask ?? this.#basinMask())
      .filter(({ score }) => score >= SIMILARITY_MIN)
    const fused = fuse(
      byText.map(({ slot }) => slot),
      byVector.map(({ label }) => label),
      isBefore
    )
    return fused.slice(0, limit).map(({ slot, score }) => {
      const { author, fact, scope, hasVector } = this.#entries[slot] as Entry
      const similarity = hasVector ? this.#scan.score(question, slot) : null
      return { ...(fact as Fact), author, authorName: null, scope, score, similarity }
    })
  }

  /** The ids, of any author, that begin with these digits. */
  idsLike(prefix: string): string[] {
    const ids = new Set<string>()
    for (const entry of this.#entries) {
      if (entry?.fact && entry.id.startsWith(prefix)) ids.add(entry.id)
    }
    return [...ids].toSorted()
  }

  close(): void {
    this.#scan.close()
  }

  #basinMask(): Uint8Array | null {
    return this.#findableBasins === this.#scan.size ? null : this.#filter.findable
  }

  #isBefore(a: number, b: number): boolean {
    const [x, y] = [this.#entries[a] as Entry, this.#entries[b] as Entry]
    return x.author === y.author ? x.id < y.id : x.author < y.author
  }

  /** The slot of an entry, a new one if need be; null when there is no room. */
  #slotFor(author: PeerId, id: string): number | null {
    const name = keyText(author, id)
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const slots = this.#slotsOf.get(author) ?? new Set()
    if (this.#slots.size >= this.#entriesMax || slots.size >= this.#authorEntriesMax) return null
    const slot = this.#free.pop() ?? this.#entries.length
    const key = new Uint8Array(Buffer.from(name, 'hex'))
    const empty = { scope: 'swarm', fact: null, chars: 0, hasVector: false } as const
    this.#entries[slot] = { author, id, key, ...empty }
    this.#slots.set(name, slot)
    this.#slotsOf.set(author, slots.add(slot))
    return slot
  }

  #dropFact(slot: number, entry: Entry): void {
    if (entry.fact === null) return
    this.#words.remove(slot, indexWords(entry.fact))
    entry.fact = null
    entry.chars = 0
    this.#filter.remove(slot)
    if (entry.hasVector) this.#findableBasins--
  }

  #dropEntry(slot: number, entry: Entry): void {
    this.#dropFact(slot, entry)
    this.#scan.remove(slot)
    this.#entries[slot] = undefined
    this.#free.push(slot)
    this.#slots.delete(keyText(entry.author, entry.id))
    const slots = this.#slotsOf.get(entry.author)
    slots?.delete(slot)
    if (slots?.size === 0) this.#slotsOf.delete(entry.author)
  }
}

function indexWords(fact: Fact): string[] {
  const words = wordsOf(searchText(fact), ENTRY_WORDS_MAX)
  // An entry without a word is still found by its angle; an empty list would count as gone.
  return words.length > 0 ? words : ['']
}

function keyText(author: PeerId, id: string): string {
  return author + id
}
