// The merges of a BPE vocabulary as a hash table of pairs of symbols: 300,000 of them in a few arrays
// of integers, built in one pass. A symbol is a token, or a piece that merges pass through without its
// being one. Owns that numbering; symbol-merger.ts asks it for rules.

import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import type { StringList } from '../metadata.ts'
import type { MergeRules } from './symbol-merger.ts'
import type { TokenTable } from './token-table.ts'

const EMPTY = -1

export class PairTable implements MergeRules {
  readonly #tokens: TokenTable
  /** Pieces that are no tokens, numbered from the size of the vocabulary on. */
  readonly #extras = new Map<string, number>()
  /** Slots of the hash table: left symbol or EMPTY, right symbol, number of the merge, its result. */
  readonly #lefts: Int32Array
  readonly #rights: Int32Array
  readonly #ranks: Int32Array
  readonly #merged: Int32Array
  readonly #mask: number

  /** @throws MODEL_BAD_METADATA for a merge that is not two pieces with a space between. */
  constructor(tokens: TokenTable, merges: StringList) {
    this.#tokens = tokens
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, merges.length * 2)))
    this.#mask = slots - 1
    this.#lefts = new Int32Array(slots).fill(EMPTY)
    this.#rights = new Int32Array(slots)
    this.#ranks = new Int32Array(slots)
    this.#merged = new Int32Array(slots)
    for (let rank = 0; rank < merges.length; rank++) this.#add(merges.at(rank), rank)
  }

  /** @returns a number at or above the size of the vocabulary for a piece that is no token. */
  symbolFor(piece: string): number {
    const id = this.#tokens.idOf(piece)
    if (id >= 0) return id
    const known = this.#extras.get(piece)
    if (known !== undefined) return known
    const extra = this.#tokens.size + this.#extras.size
    this.#extras.set(piece, extra)
    return extra
  }

  find(left: number, right: number): number {
    const slot = this.#slotOf(left, right)
    return this.#lefts[slot] === EMPTY ? -1 : slot
  }

  rankOf(slot: number): number {
    return this.#ranks[slot] as number
  }

  symbolOf(slot: number): number {
    return this.#merged[slot] as number
  }

  #add(merge: string, rank: number): void {
    // The left piece may itself start with a space, in vocabularies that do not escape it.
    const space = merge.indexOf(' ', 1)
    if (space < 0 || space === merge.length - 1) {
      throw new SwarmError(
        'MODEL_BAD_METADATA',
        `merge ${rank} is '${clip(merge)}', not two pieces with a space between; the file is damaged`
      )
    }
    const first = merge.slice(0, space)
    const second = merge.slice(space + 1)
    const left = this.symbolFor(first)
    const right = this.symbolFor(second)
    const slot = this.#slotOf(left, right)
    // Of a pair that appears twice the first counts.
    if (this.#lefts[slot] !== EMPTY) return
    this.#lefts[slot] = left
    this.#rights[slot] = right
    this.#ranks[slot] = rank
    this.#merged[slot] = this.symbolFor(first + second)
  }

  /** The slot of this pair, or the empty one where it belongs; at most half of them are taken. */
  #slotOf(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    hash ^= hash >>> 15
    let slot = hash & this.#mask
    while (
      this.#lefts[slot] !== EMPTY &&
      (this.#lefts[slot] !== left || this.#rights[slot] !== right)
    ) {
      slot = (slot + 1) & this.#mask
    }
    return slot
  }
}
