// Round trip time of one path, from pings. Pure. A single sample holds scheduling delays of both ends,
// which only ever add; so the least of a few is taken first, and those are smoothed.

const WINDOW = 4 // samples: one second of pings, short enough to follow a changed path
const GAIN = 1 / 8 // as TCP smooths its round trip time (RFC 6298)

export class RttEstimate {
  #window: number[] = []
  #smoothMs: number | null = null

  /** Null until the first sample. */
  get valueMs(): number | null {
    return this.#smoothMs
  }

  sample(rttMs: number): void {
    this.#window.push(rttMs)
    if (this.#window.length > WINDOW) this.#window.shift()
    const leastMs = Math.min(...this.#window)
    this.#smoothMs =
      this.#smoothMs === null ? leastMs : this.#smoothMs + GAIN * (leastMs - this.#smoothMs)
  }
}

const OUTSTANDING_MAX = 16 // pings without an answer; at four a second the older ones are lost

/** Pings that wait for their answer. Answers to pings never sent, or answered before, mean nothing. */
export class Pings {
  #nextId = 0
  #sentMs = new Map<number, number>()

  /** @returns the number to send. */
  next(nowMs: number): number {
    const id = this.#nextId
    this.#nextId = (id + 1) >>> 0
    this.#sentMs.set(id, nowMs)
    if (this.#sentMs.size > OUTSTANDING_MAX) {
      this.#sentMs.delete(this.#sentMs.keys().next().value as number)
    }
    return id
  }

  /** @returns round trip time in ms, or null. */
  answered(id: number, nowMs: number): number | null {
    const sentMs = this.#sentMs.get(id)
    this.#sentMs.delete(id)
    return sentMs === undefined ? null : nowMs - sentMs
  }
}
