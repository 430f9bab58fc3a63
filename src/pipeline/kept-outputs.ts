// Flow A, serving side: what one session's stage has given to its next stage, kept so that a new next
// stage can be given it again when the one before is lost: only the lost layers are then computed anew.
// Owns copies, because a frame is encrypted in place when it is sent. Knows no bound over all sessions:
// the stage host drops the largest when they take too much together, and an origin that finds nothing
// kept sends the ids again.

/** Positions of one block: large enough that a long context has few, small enough to waste little. */
const BLOCK_TOKENS = 64

export class KeptOutputs {
  readonly #rowBytes: number
  /** Blocks of BLOCK_TOKENS rows from `#start` on. */
  #blocks: Uint8Array[] = []
  #start: number
  #end: number

  /** @param rowBytes of one position. @param start position of the first output that will come. */
  constructor(rowBytes: number, start: number) {
    this.#rowBytes = rowBytes
    this.#start = start
    this.#end = start
  }

  /** Outputs of positions [start, end) are here. */
  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  get sizeBytes(): number {
    return this.#blocks.length * BLOCK_TOKENS * this.#rowBytes
  }

  /** @param rows of whole positions from `position` on; those behind it are forgotten, a gap forgets all. */
  put(position: number, rows: Uint8Array): void {
    this.truncate(position)
    if (position !== this.#end) this.clear(position)
    const blockBytes = BLOCK_TOKENS * this.#rowBytes
    let offset = (this.#end - this.#start) * this.#rowBytes
    for (let from = 0; from < rows.byteLength;) {
      const index = Math.floor(offset / blockBytes)
      const at = offset % blockBytes
      const part = rows.subarray(from, from + blockBytes - at)
      if (this.#blocks[index] === undefined) this.#blocks[index] = new Uint8Array(blockBytes)
      this.#blocks[index].set(part, at)
      from += part.byteLength
      offset += part.byteLength
    }
    this.#end += rows.byteLength / this.#rowBytes
  }

  /** Copies positions [start, end), which must be here, into `target`. */
  read(start: number, end: number, target: Uint8Array): void {
    const blockBytes = BLOCK_TOKENS * this.#rowBytes
    let offset = (start - this.#start) * this.#rowBytes
    const sizeBytes = (end - start) * this.#rowBytes
    for (let done = 0; done < sizeBytes;) {
      const block = this.#blocks[Math.floor(offset / blockBytes)] as Uint8Array
      const at = offset % blockBytes
      const part = block.subarray(at, Math.min(blockBytes, at + sizeBytes - done))
      target.set(part, done)
      done += part.byteLength
      offset += part.byteLength
    }
  }

  /** Forgets positions from `end` on. */
  truncate(end: number): void {
    if (end >= this.#end) return
    if (end <= this.#start) return this.clear(end)
    this.#end = end
    const rows = end - this.#start
    this.#blocks.length = Math.ceil(rows / BLOCK_TOKENS)
  }

  /** Forgets everything: the next output that comes is that of `start`. */
  clear(start: number): void {
    this.#blocks = []
    this.#start = start
    this.#end = start
  }
}
