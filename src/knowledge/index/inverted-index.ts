// BM25 over the words of entries (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009):
// who contains which word, kept up to date as entries come and go. Owns the postings and their compaction;
// what an entry is, and which ones count, is the caller's. Scores are made of + - * / in a fixed order of
// words, so they are the same on every machine that holds the same entries, however it came to hold them.

import { BestOf } from '../../base/best-of.ts'
import { log2Of } from './rarity.ts'

/** How soon repeats of a word stop counting, and how much a long entry is held against its words. */
const K1 = 1.2
const B = 0.75
/** A posting is row * 2^8 + occurrences, so more than these count as these. */
const OCCURRENCES_MAX = 255
/** Rows of entries that are gone before the postings are written anew: as many as live ones, and these. */
const STALE_ROWS_MIN = 1024

/** Postings of a word from which on it pays to ask whether the best are among those seen already. */
const CLOSING_WORTH = 2000
/** Postings that are read through in the time in which one is looked up. */
const LOOKUP_COST = 12

interface Term {
  /** Ascending rows; of some of them the entry is gone. */
  postings: number[]
  /** Entries that are there. */
  entries: number
  /** Occurrences in one entry, at most: an entry that is gone may have had so many. */
  countMax: number
}

interface Weighed {
  term: Term
  weight: number
}

export interface TextHit {
  slot: number
  score: number
}

export class InvertedIndex {
  readonly #terms = new Map<string, Term>()
  /** By row, which only grows until the next compaction: an entry that is gone leaves 0 words. */
  #slotOf: number[] = []
  #wordsIn: number[] = []
  /** Row by the caller's number of an entry; undefined when it is not here. */
  readonly #rowOf: (number | undefined)[] = []
  /** By row, all 0 between searches; #rows holds the `#touched` that are not. */
  #scores = new Float64Array(1024)
  #rows = new Uint32Array(1024)
  #touched = 0
  #entries = 0
  #words = 0
  /** Words of the shortest entry that there has been. */
  #lengthMin = Infinity

  get size(): number {
    return this.#entries
  }

  /** @param slot the caller's number of an entry that is not here. @param words at least one. */
  add(slot: number, words: readonly string[]): void {
    const row = this.#slotOf.length
    this.#slotOf.push(slot)
    this.#wordsIn.push(words.length)
    this.#rowOf[slot] = row
    this.#entries++
    this.#words += words.length
    this.#lengthMin = Math.min(this.#lengthMin, words.length)
    for (const [word, count] of countsOf(words)) {
      const term = this.#terms.get(word) ?? { postings: [], entries: 0, countMax: 0 }
      if (term.entries === 0) this.#terms.set(word, term)
      const kept = Math.min(count, OCCURRENCES_MAX)
      term.postings.push(row * 256 + kept)
      term.countMax = Math.max(term.countMax, kept)
      term.entries++
    }
  }

  /** @param words the ones it was added with. */
  remove(slot: number, words: readonly string[]): void {
    const row = this.#rowOf[slot]
    if (row === undefined) return
    this.#rowOf[slot] = undefined
    this.#wordsIn[row] = 0
    this.#entries--
    this.#words -= words.length
    for (const word of new Set(words)) {
      const term = this.#terms.get(word)
      if (term !== undefined && --term.entries === 0) this.#terms.delete(word)
    }
    const staleRows = this.#slotOf.length - this.#entries
    if (staleRows > STALE_ROWS_MIN && staleRows > this.#entries) this.#compact()
  }

  /**
   * The entries that fit best, best first.
   * @param words of the question; repeats count once, only the `wordsMax` rarest count.
   * @param isAllowed which entries count. @param isBefore order of two entries with equal scores.
   */
  search(
    words: readonly string[],
    wordsMax: number,
    limit: number,
    isAllowed: (slot: number) => boolean,
    isBefore: (slotA: number, slotB: number) => boolean
  ): TextHit[] {
    const candidates = this.#score(this.#weigh(words).slice(0, wordsMax), limit, isAllowed)
    const best = new BestOf<TextHit>(limit, (a, b) =>
      a.score === b.score ? isBefore(a.slot, b.slot) : a.score > b.score
    )
    for (const row of candidates) {
      const score = this.#scores[row] as number
      const { worst } = best
      if (worst !== undefined && score < worst.score) continue
      const slot = this.#slotOf[row] as number
      if (isAllowed(slot)) best.offer({ slot, score })
    }
    for (let at = 0; at < this.#touched; at++) this.#scores[this.#rows[at] as number] = 0
    return best.sorted()
  }

  /** The known ones among the words, rarest first. */
  #weigh(words: readonly string[]): Weighed[] {
    const all = log2Of(2 * this.#entries + 2)
    const known: (Weighed & { word: string })[] = []
    for (const word of new Set(words)) {
      const term = this.#terms.get(word)
      // log2 of (N + 1) / (n + 1/2): above 0 also for a word that is everywhere.
      if (term) known.push({ word, term, weight: all - log2Of(2 * term.entries + 1) })
    }
    return known.toSorted((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1))
  }

  /**
   * Adds the words' shares into #scores, rarest first. Once `limit` entries have more than all words to
   * come can give, no other entry can join them, and those words are looked up for the few that can still
   * be among the best: a word that is everywhere costs nothing, and their scores are what they were.
   * @returns the rows that can be among the best; #rows are all that have a score.
   */
  #score(
    terms: readonly Weighed[],
    limit: number,
    isAllowed: (slot: number) => boolean
  ): Uint32Array {
    if (this.#scores.length < this.#slotOf.length) {
      this.#scores = new Float64Array(2 * this.#slotOf.length)
      this.#rows = new Uint32Array(2 * this.#slotOf.length)
    }
    this.#touched = 0
    let candidates: Uint32Array | null = null
    let toCome = 0
    for (const { term, weight } of terms) toCome += this.#mostOf(term, weight)
    for (const { term, weight } of terms) {
      const rows: Uint32Array = candidates ?? this.#rows.subarray(0, this.#touched)
      if (term.postings.length > CLOSING_WORTH && rows.length > limit) {
        // A little more, for what adding up rounds.
        const most = toCome * (1 + 1e-9)
        const least = this.#leastOfBest(rows, limit, isAllowed)
        if (least > most) candidates = this.#rowsFrom(rows, least - most)
      }
      if (candidates === null) this.#addToAll(term, weight)
      else if (candidates.length * LOOKUP_COST < term.postings.length) {
        this.#addTo(candidates, term, weight)
      } else this.#addToTouched(term, weight)
      toCome -= this.#mostOf(term, weight)
    }
    return candidates ?? this.#rows.subarray(0, this.#touched)
  }

  /** The `limit`-th best score so far of those that count; 0 when there are fewer. */
  #leastOfBest(rows: Uint32Array, limit: number, isAllowed: (slot: number) => boolean): number {
    const best = new BestOf<number>(limit, (a, b) => a > b)
    const scores = this.#scores
    let worst = 0
    for (const row of rows) {
      const score = scores[row] as number
      if (score <= worst || !isAllowed(this.#slotOf[row] as number)) continue
      best.offer(score)
      worst = best.worst ?? 0
    }
    return worst
  }

  #rowsFrom(rows: Uint32Array, score: number): Uint32Array {
    const scores = this.#scores
    const kept = new Uint32Array(rows.length)
    let count = 0
    for (const row of rows) if ((scores[row] as number) >= score) kept[count++] = row
    return kept.subarray(0, count)
  }

  #addToAll({ postings }: Term, weight: number): void {
    const [scores, wordsIn, rows] = [this.#scores, this.#wordsIn, this.#rows]
    const shareOf = this.#shares(weight)
    let touched = this.#touched
    for (const posting of postings) {
      const row = posting >>> 8
      const length = wordsIn[row] as number
      if (length === 0) continue
      const before = scores[row] as number
      if (before === 0) rows[touched++] = row
      scores[row] = before + shareOf(posting & 255, length)
    }
    this.#touched = touched
  }

  /** To every row with a score: an entry that is gone has none. */
  #addToTouched({ postings }: Term, weight: number): void {
    const [scores, wordsIn] = [this.#scores, this.#wordsIn]
    const shareOf = this.#shares(weight)
    for (const posting of postings) {
      const row = posting >>> 8
      const before = scores[row] as number
      if (before !== 0) scores[row] = before + shareOf(posting & 255, wordsIn[row] as number)
    }
  }

  #addTo(rows: Uint32Array, { postings }: Term, weight: number): void {
    const [scores, wordsIn] = [this.#scores, this.#wordsIn]
    const shareOf = this.#shares(weight)
    for (const row of rows) {
      let [low, high] = [0, postings.length]
      while (low < high) {
        const middle = (low + high) >>> 1
        if ((postings[middle] as number) >>> 8 < row) low = middle + 1
        else high = middle
      }
      const posting = postings[low]
      if (posting === undefined || posting >>> 8 !== row) continue
      scores[row] = (scores[row] as number) + shareOf(posting & 255, wordsIn[row] as number)
    }
  }

  /** What a word of this weight gives to an entry of `length` words that has it `count` times. */
  #shares(weight: number): (count: number, length: number) => number {
    const top = weight * (K1 + 1)
    const perWord = K1 * B * (this.#entries / this.#words)
    return (count, length) => (top * count) / (count + K1 * (1 - B) + perWord * length)
  }

  /** What it can give at most: shares rise with the count and fall with the length. */
  #mostOf({ countMax }: Term, weight: number): number {
    return this.#shares(weight)(countMax, this.#lengthMin)
  }

  #compact(): void {
    const rowAfter: number[] = []
    const slotOf: number[] = []
    const wordsIn: number[] = []
    for (const [row, slot] of this.#slotOf.entries()) {
      rowAfter.push(slotOf.length)
      if (this.#wordsIn[row] === 0) continue
      this.#rowOf[slot] = slotOf.length
      slotOf.push(slot)
      wordsIn.push(this.#wordsIn[row] as number)
    }
    for (const term of this.#terms.values()) {
      term.postings = term.postings
        .filter((posting) => this.#wordsIn[posting >>> 8] !== 0)
        .map((posting) => (rowAfter[posting >>> 8] as number) * 256 + (posting & 255))
    }
    this.#slotOf = slotOf
    this.#wordsIn = wordsIn
  }
}

function countsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
