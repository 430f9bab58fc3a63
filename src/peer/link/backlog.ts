// How much of what was given to a connection it has not taken yet. Counted from what protomux says of each
// message and from the bytes that went out since: neither tells the whole by itself.

export class Backlog {
  readonly #writtenBytes: () => number
  #undrainedBytes = 0
  #drainedAtBytes = 0

  /** @param writtenBytes the connection's own count of bytes that it has taken. */
  constructor(writtenBytes: () => number) {
    this.#writtenBytes = writtenBytes
  }

  /** What was written since the connection was last drained, less what it has taken since. */
  get bytes(): number {
    return Math.max(0, this.#undrainedBytes - (this.#writtenBytes() - this.#drainedAtBytes))
  }

  /** Whether the connection has said of late that it is full. */
  get isFilling(): boolean {
    return this.#undrainedBytes > 0
  }

  /** @param isDrained what sending it returned. */
  sent(sizeBytes: number, isDrained: boolean): void {
    if (isDrained) this.drained()
    else this.#undrainedBytes += sizeBytes
  }

  drained(): void {
    this.#undrainedBytes = 0
    this.#drainedAtBytes = this.#writtenBytes()
  }
}
