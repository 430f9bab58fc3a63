// Reads one log from its beginning to wherever it ends, block by block in order, and goes on as it grows.
// A block that its author wrote wrongly is counted and skipped; one that cannot be read from our own disk
// stops it. Reads only what is here: fetching is followed-log.ts's.

import { SwarmError } from '../../base/errors.ts'

import type Hypercore from 'hypercore'

/** Blocks read at once, and handled in one go while all else waits: about 3 ms. */
const WINDOW = 16

export interface TailHandlers {
  /** In order, one at a time. What it throws of the WIRE family is a fault of the author. */
  onBlock(seq: number, block: Uint8Array): Promise<void> | void
  onFault(seq: number, error: SwarmError): void
  /** Our own store failed; the tail has stopped. */
  onError(error: unknown): void
}

export class LogTail {
  readonly #core: Hypercore
  readonly #handlers: TailHandlers
  #next: number
  #isClosed = false
  #running: Promise<void> | null = null

  /** @param first number of the first block that says anything. */
  constructor(core: Hypercore, first: number, handlers: TailHandlers) {
    this.#core = core
    this.#next = first
    this.#handlers = handlers
  }

  /** The first block that has not been handled. */
  get next(): number {
    return this.#next
  }

  /** Resolves when every block that is here now, from the beginning on without a gap, was handled. */
  async poke(): Promise<void> {
    const end = this.#end
    while (!this.#isClosed && this.#next < end) {
      this.#running ??= this.#run().finally(() => (this.#running = null))
      await this.#running
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  get #end(): number {
    return this.#core.closing === null ? this.#core.contiguousLength : 0
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isClosed && this.#next < this.#end) {
        const count = Math.min(WINDOW, this.#end - this.#next)
        const seqs = Array.from({ length: count }, (_, at) => this.#next + at)
        const blocks = await Promise.all(seqs.map((seq) => this.#core.get(seq, { wait: false })))
        for (const [at, block] of blocks.entries()) {
          if (this.#isClosed) return
          await this.#handle(seqs[at] as number, block)
        }
      }
    } catch (error) {
      if (!this.#isClosed) this.#handlers.onError(error)
      this.#isClosed = true
    }
  }

  async #handle(seq: number, block: Uint8Array | null): Promise<void> {
    try {
      if (block !== null) await this.#handlers.onBlock(seq, block)
    } catch (error) {
      if (!(error instanceof SwarmError) || error.family !== 'WIRE') throw error
      this.#handlers.onFault(seq, error)
    }
    this.#next = seq + 1
  }
}
