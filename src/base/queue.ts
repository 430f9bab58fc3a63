// A bounded queue between something that produces by callback and something that reads with `for
// await`. Owns the bound: a full queue says so, it never grows. Knows nothing of what it carries.

export class Queue<T> implements AsyncIterableIterator<T> {
  #items: T[] = []
  #waiting: { resolve: (r: IteratorResult<T>) => void; reject: (e: unknown) => void }[] = []
  #closed = false
  #error: unknown = undefined
  readonly #countMax: number
  readonly #onReturn: () => void

  /** @param onReturn called once when the reader leaves its loop early. */
  constructor(countMax: number, onReturn: () => void = () => {}) {
    this.#countMax = countMax
    this.#onReturn = onReturn
  }

  get size(): number {
    return this.#items.length
  }

  /** @returns false when the queue is full or closed; the item was not taken. */
  push(item: T): boolean {
    if (this.#closed) return false
    const reader = this.#waiting.shift()
    if (reader) {
      reader.resolve({ value: item, done: false })
      return true
    }
    if (this.#items.length >= this.#countMax) return false
    this.#items.push(item)
    return true
  }

  /** Ends the stream after the items already queued; with an error, the reader then throws it. */
  close(error?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    const first = this.#waiting.shift()
    if (first && error !== undefined) first.reject(error)
    else {
      this.#error = error
      first?.resolve({ value: undefined, done: true })
    }
    for (const reader of this.#waiting.splice(0)) reader.resolve({ value: undefined, done: true })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) {
      return Promise.resolve({ value: this.#items.shift() as T, done: false })
    }
    if (this.#closed) {
      const error = this.#error
      this.#error = undefined
      return error === undefined
        ? Promise.resolve({ value: undefined, done: true })
        : Promise.reject(error)
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T>> {
    if (!this.#closed) {
      this.close()
      this.#onReturn()
    }
    this.#items = []
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
