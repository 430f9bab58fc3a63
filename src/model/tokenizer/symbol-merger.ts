// The loop that both tokenizers share: a text is a chain of symbols, and the best pair of neighbours
// becomes one symbol until no pair has a rule. Owns the queue of pairs, so a text of n symbols takes
// O(n log n) time and O(n) memory whatever it says. Does not know where rules come from.

/** Which neighbours may merge. A rule is named by an index of the owner's choice. */
export interface MergeRules {
  /** @returns the rule for this pair, or -1. */
  find(left: number, right: number): number
  /** The lowest rank merges first; of equal ranks the leftmost pair. */
  rankOf(rule: number): number
  /** What the pair becomes. */
  symbolOf(rule: number): number
}

/** @param symbols changed in place. @returns the part of it that holds what is left. */
export function mergeSymbols(symbols: Int32Array, rules: MergeRules): Int32Array {
  const { length } = symbols
  if (length < 2) return symbols
  const chain = new Chain(length)
  const queue = new PairQueue(length)
  const offer = (left: number) => {
    const right = chain.next(left)
    if (left < 0 || right >= length) return
    const rule = rules.find(symbols[left] as number, symbols[right] as number)
    if (rule >= 0) queue.push(rules.rankOf(rule), left)
  }
  for (let left = 0; left < length - 1; left++) offer(left)
  while (queue.pop()) {
    const { rank, left } = queue
    const right = chain.next(left)
    // A pair that changed since it was queued has another rule now, or none.
    if (chain.isGone(left) || right >= length) continue
    const rule = rules.find(symbols[left] as number, symbols[right] as number)
    if (rule < 0 || rules.rankOf(rule) !== rank) continue
    symbols[left] = rules.symbolOf(rule)
    chain.remove(right)
    offer(chain.previous(left))
    offer(left)
  }
  let kept = 0
  for (let at = 0; at < length; at = chain.next(at)) symbols[kept++] = symbols[at] as number
  return symbols.subarray(0, kept)
}

/** Positions linked to their neighbours; -1 and `length` are the ends. */
class Chain {
  readonly #next: Int32Array
  readonly #previous: Int32Array

  constructor(length: number) {
    this.#next = new Int32Array(length)
    this.#previous = new Int32Array(length)
    for (let i = 0; i < length; i++) {
      this.#next[i] = i + 1
      this.#previous[i] = i - 1
    }
  }

  next(at: number): number {
    return this.#next[at] ?? this.#next.length
  }

  previous(at: number): number {
    return this.#previous[at] as number
  }

  isGone(at: number): boolean {
    return this.#next[at] === 0
  }

  remove(at: number): void {
    const next = this.next(at)
    const previous = this.previous(at)
    this.#next[previous] = next
    if (next < this.#next.length) this.#previous[next] = previous
    // No position has 0 for its next, so this marks the removed.
    this.#next[at] = 0
  }
}

/** Binary heap by rank, then position. Each merge takes one pair out and puts at most two in. */
class PairQueue {
  readonly #ranks: Int32Array
  readonly #lefts: Int32Array
  #size = 0
  /** The pair that pop() took out. */
  rank = 0
  left = 0

  constructor(length: number) {
    this.#ranks = new Int32Array(2 * length)
    this.#lefts = new Int32Array(2 * length)
  }

  push(rank: number, left: number): void {
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(rank, left, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#ranks[at] = rank
    this.#lefts[at] = left
  }

  /** @returns false when nothing is left. */
  pop(): boolean {
    if (this.#size === 0) return false
    this.rank = this.#ranks[0] as number
    this.left = this.#lefts[0] as number
    const last = --this.#size
    const rank = this.#ranks[last] as number
    const left = this.#lefts[last] as number
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= last) break
      const right = child + 1
      if (right < last && this.#isBefore(this.#rank(right), this.#left(right), child)) child = right
      if (this.#isBefore(rank, left, child)) break
      this.#move(child, at)
      at = child
    }
    this.#ranks[at] = rank
    this.#lefts[at] = left
    return true
  }

  #rank(at: number): number {
    return this.#ranks[at] as number
  }

  #left(at: number): number {
    return this.#lefts[at] as number
  }

  #isBefore(rank: number, left: number, at: number): boolean {
    const other = this.#rank(at)
    return rank < other || (rank === other && left < this.#left(at))
  }

  #move(from: number, to: number): void {
    this.#ranks[to] = this.#rank(from)
    this.#lefts[to] = this.#left(from)
  }
}
