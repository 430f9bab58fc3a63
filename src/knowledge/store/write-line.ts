// Writes that come while one is under way wait together and are written as one: a sync of the disk costs the
// same for one entry as for a hundred. One batch at a time, in the order of arrival.

import { LEARN_BATCH_MAX } from '../../base/limits.ts'

interface Waiting<T> {
  item: T
  resolve: () => void
  reject: (error: unknown) => void
}

export class WriteLine<T> {
  readonly #write: (items: T[]) => Promise<void>
  #waiting: Waiting<T>[] = []
  #isWriting = false

  /** @param write never called again before it has settled. */
  constructor(write: (items: T[]) => Promise<void>) {
    this.#write = write
  }

  /** Settles with the batch that the item is written in. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#isWriting) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isWriting = true
    // What the same turn of the event loop asks for goes together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, LEARN_BATCH_MAX)
      try {
        await this.#write(batch.map(({ item }) => item))
        for (const { resolve } of batch) resolve()
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#isWriting = false
  }
}
