// Flow B, origin side: how many chunks of a span of positions travel at once. The stages of a chain overlap
// while as many chunks are on their way as there are stages, and one waits at the first; more would only
// wait. How large each is, sharding/chunking.ts says. Pure; session-state.ts sends the chunks and hears of
// their arrival.

import { ACTIVATION_BYTES_MAX, HOP_BACKLOG_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { nextChunk, type Chunking } from '../sharding/chunking.ts'
import { ACTIVATION_HEADER_BYTES, rowsBytes } from '../wire/session-codec.ts'

/** Positions whose activations fit one message, and all chunks on their way one queue. */
export function chunkTokensMax(dim: number, nStages: number): number {
  const queueBytes = (HOP_BACKLOG_BYTES_MAX - MESSAGE_BYTES_MAX) / windowOf(nStages)
  const roomBytes = Math.min(ACTIVATION_BYTES_MAX, queueBytes) - ACTIVATION_HEADER_BYTES
  return Math.floor(roomBytes / rowsBytes({ nTokens: 1, dim }))
}

/** Chunks on their way at once. */
function windowOf(nStages: number): number {
  return nStages + 1
}

export interface Chunk {
  position: number
  end: number
}

export class ChunkFlow {
  readonly end: number
  readonly #start: number
  readonly #chunking: Chunking
  readonly #window: number
  #sentEnd: number
  #doneEnd: number
  /** Ends of the chunks that are on their way, ascending. */
  #inFlight: number[] = []

  /** @param nStages that the chunks pass. */
  constructor(start: number, end: number, chunking: Chunking, nStages: number) {
    this.end = end
    this.#start = start
    this.#chunking = chunking
    this.#window = chunking.isOneByOne ? 1 : windowOf(nStages)
    this.#sentEnd = start
    this.#doneEnd = start
  }

  /** Positions up to here have passed all stages. */
  get doneEnd(): number {
    return this.#doneEnd
  }

  /** Whether everything was sent and nothing but the last chunk is on its way. */
  get isAtLastChunk(): boolean {
    return this.#sentEnd === this.end && this.#inFlight.length === 1
  }

  /** Chunks that may be sent now; they count as sent. */
  *take(): Generator<Chunk, void> {
    while (this.#sentEnd < this.end && this.#inFlight.length < this.#window) {
      const position = this.#sentEnd
      const end = position + nextChunk(this.#chunking, position - this.#start, this.end - position)
      this.#sentEnd = end
      this.#inFlight.push(end)
      yield { position, end }
    }
  }

  /** A chunk has passed. @returns false when none that ends here was due. */
  done(end: number): boolean {
    if (this.#inFlight[0] !== end) return false
    this.#inFlight.shift()
    this.#doneEnd = end
    return true
  }
}
