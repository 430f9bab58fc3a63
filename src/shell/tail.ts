// The end of a text that may be endless, in bounded memory. Pure.

/** Keeps the last `sizeBytes` of what it is given. */
export class Tail {
  readonly #sizeBytes: number
  #chunks: Uint8Array[] = []
  #heldBytes = 0
  #takenBytes = 0

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes
  }

  /** Of everything pushed so far, dropped or not. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  push(chunk: Uint8Array): void {
    this.#takenBytes += chunk.byteLength
    this.#chunks.push(chunk)
    this.#heldBytes += chunk.byteLength
    // Joined at twice the bound, so that a flood of single bytes costs no more than one of large chunks.
    if (this.#heldBytes > 2 * this.#sizeBytes || this.#chunks.length > 1024) this.#join()
  }

  /** As UTF-8, without the line breaks at its end; whole lines only where the start was dropped. */
  get text(): string {
    const bytes = this.#join()
    const text = Buffer.from(bytes).toString('utf8')
    const isCut = bytes.byteLength === this.#sizeBytes
    return (isCut ? text.slice(text.indexOf('\n') + 1) : text).replace(/\s+$/, '')
  }

  #join(): Uint8Array {
    const joined = Buffer.concat(this.#chunks)
    const kept = joined.subarray(Math.max(0, joined.byteLength - this.#sizeBytes))
    // A copy, because a view would keep all that was dropped.
    this.#chunks = [Uint8Array.from(kept)]
    this.#heldBytes = kept.byteLength
    return kept
  }
}
