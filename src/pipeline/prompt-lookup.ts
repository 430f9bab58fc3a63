// Flow A, first stage: guesses the next tokens of a session from its own ids (prompt and answer). Where the
// last ids stood before, what followed them then is the guess: text that repeats itself, code that is
// edited, names. Owns the ids from some position on and where each pair of them stands. A guess may be
// wrong: the last stage checks every one (docs/protocol.md, activation), and draft-length.ts decides
// whether it is worth computing.

import { VOCAB_MAX } from '../base/limits.ts'

export interface Guess {
  ids: number[]
  /** So many ids before the guess stood before what it is taken from, too: more makes it likelier. */
  matched: number
}

/** Ids that must agree before anything is guessed: one alone stands before too many others. */
const PAIR = 2
/** Places of a pair that are compared, the latest ones: frequent pairs have hundreds. */
const PLACES_MAX = 8
/** Compared backwards: beyond it a match does not get more certain. */
const MATCHED_MAX = 32

export class PromptLookup {
  #start = 0
  readonly #ids: number[] = []
  /** Indices in #ids behind each pair, ascending. */
  readonly #places = new Map<number, number[]>()

  /** Position behind the last id. */
  get end(): number {
    return this.#start + this.#ids.length
  }

  /** Ids of positions [0, end), as far as they are here; none where the first ones are not. */
  idsUpTo(end: number): readonly number[] {
    return this.#start > 0 ? [] : this.#ids.slice(0, end)
  }

  /** Ids from `position` on; what was there and behind is forgotten, a gap forgets all. */
  put(position: number, ids: Iterable<number>): void {
    if (position < this.#start || position > this.end) {
      this.#ids.length = 0
      this.#places.clear()
      this.#start = position
    }
    while (this.end > position) this.#pop()
    for (const id of ids) this.#push(id)
  }

  /** @returns up to `most` ids that may follow; null where the last ones never stood before. */
  guess(most: number): Guess | null {
    const length = this.#ids.length
    let [from, matched] = [0, 0]
    const places = this.#places.get(this.#keyAt(length)) ?? []
    for (const place of places) {
      if (place === length) continue
      const common = this.#commonBefore(place, length)
      if (common >= matched) [from, matched] = [place, common]
    }
    if (matched === 0 || most < 1) return null
    const ids: number[] = []
    // What is repeated may still be under way: then the guess goes on with itself.
    for (let i = from; ids.length < most; i++) {
      ids.push((i < length ? this.#ids[i] : ids[i - length]) as number)
    }
    return { ids, matched }
  }

  #commonBefore(a: number, b: number): number {
    let common = 0
    while (
      common < MATCHED_MAX &&
      common < a &&
      this.#ids[a - 1 - common] === this.#ids[b - 1 - common]
    ) {
      common++
    }
    return common
  }

  #push(id: number): void {
    const length = this.#ids.push(id)
    if (length < PAIR) return
    const key = this.#keyAt(length)
    const places = this.#places.get(key)
    if (places === undefined) this.#places.set(key, [length])
    else if (places.push(length) > PLACES_MAX + 1) places.shift()
  }

  #pop(): void {
    const places = this.#places.get(this.#keyAt(this.#ids.length))
    if (places?.at(-1) === this.#ids.length) places.pop()
    this.#ids.pop()
  }

  /** Of the pair that ends before `end`. */
  #keyAt(end: number): number {
    return end < PAIR
      ? -1
      : (this.#ids[end - 2] as number) * VOCAB_MAX + (this.#ids[end - 1] as number)
  }
}
