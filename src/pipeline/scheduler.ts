// Flow A, serving side: whose step runs next on this stage, one at a time. Decode steps and prefill
// chunks wait in two lines; between two prefill chunks, every decode step that waited when the first
// ended goes first. So a token waits for at most one chunk, and a prompt moves on however many others
// decode. Knows neither steps nor sessions, only who waits.

export type WorkKind = 'prefill' | 'decode'

export class Scheduler<T> {
  readonly #run: (item: T) => Promise<void>
  #decode: T[] = []
  #prefill: T[] = []
  /** Decode steps that go before the next prefill chunk may. */
  #owed = 0
  #isRunning = false

  /** @param run one step of an item; it must not reject. */
  constructor(run: (item: T) => Promise<void>) {
    this.#run = run
  }

  /** Joins the end of a line. The caller sees to it that an item waits once. */
  push(item: T, kind: WorkKind): void {
    if (kind === 'decode') this.#decode.push(item)
    else this.#prefill.push(item)
    if (!this.#isRunning) void this.#runAll()
  }

  remove(item: T): void {
    this.#decode = this.#decode.filter((other) => other !== item)
    this.#prefill = this.#prefill.filter((other) => other !== item)
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true
    for (;;) {
      const isDecodeFirst = this.#owed > 0 || this.#prefill.length === 0
      const decode = isDecodeFirst ? this.#decode.shift() : undefined
      if (decode !== undefined) {
        this.#owed = Math.max(0, this.#owed - 1)
        await this.#run(decode)
        continue
      }
      const prefill = this.#prefill.shift()
      if (prefill === undefined) break
      await this.#run(prefill)
      this.#owed = this.#decode.length
    }
    this.#isRunning = false
  }
}
