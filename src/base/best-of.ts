// The best few of many, in one pass and without sorting the rest: a bounded heap with the worst of the
// kept ones on top. Pure; the order is the caller's and should be total, or the result depends on arrival.

export class BestOf<T> {
  readonly #limit: number
  readonly #isBefore: (a: T, b: T) => boolean
  readonly #heap: T[] = []

  /** @param limit kept at most. @param isBefore whether `a` is better than `b`. */
  constructor(limit: number, isBefore: (a: T, b: T) => boolean) {
    this.#limit = limit
    this.#isBefore = isBefore
  }

  /** The worst one kept, once `limit` are: whoever is not before it need not be offered. */
  get worst(): T | undefined {
    return this.#heap.length < this.#limit ? undefined : this.#heap[0]
  }

  offer(item: T): void {
    const heap = this.#heap
    if (heap.length < this.#limit) {
      heap.push(item)
      this.#rise(heap.length - 1)
    } else if (this.#limit > 0 && this.#isBefore(item, heap[0] as T)) {
      heap[0] = item
      this.#sink()
    }
  }

  /** @returns the kept ones, best first. */
  sorted(): T[] {
    return this.#heap.toSorted((a, b) => (this.#isBefore(a, b) ? -1 : 1))
  }

  #rise(from: number): void {
    const heap = this.#heap
    const item = heap[from] as T
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(heap[parent] as T, item)) break
      heap[at] = heap[parent] as T
      at = parent
    }
    heap[at] = item
  }

  #sink(): void {
    const heap = this.#heap
    const item = heap[0] as T
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.#isBefore(heap[child] as T, heap[child + 1] as T)) child++
      if (!this.#isBefore(item, heap[child] as T)) break
      heap[at] = heap[child] as T
      at = child
    }
    heap[at] = item
  }
}
