// Hops that take their time: every message of a peer in this process arrives a fixed time later, in order.
// For less than a timer can do, it is waited for between turns of the event loop.

import type { ActivationFrame, Hop, Hops } from '../../src/pipeline/hop.ts'

/** A timer is at most so much late: the rest is waited for turn by turn. */
const TIMER_LATE_MS = 1.5

export function slowHops(hops: Hops, delay: { ms: number }): Hops {
  const line = new DelayLine()
  const later = (send: () => void) => line.push(performance.now() + delay.ms, send)
  return {
    self: hops.self,
    to(peer): Hop {
      const hop = hops.to(peer)
      return {
        peer,
        backlogBytes: 0,
        send: (message) => later(() => hop.send(message)),
        allocate(header): ActivationFrame {
          const frame = hop.allocate(header)
          return { payload: frame.payload, send: () => later(() => frame.send()) }
        }
      }
    },
    onMessage: (handler) => hops.onMessage(handler),
    onGone: (handler) => hops.onGone(handler)
  }
}

class DelayLine {
  readonly #due: { atMs: number; send: () => void }[] = []

  push(atMs: number, send: () => void): void {
    if (this.#due.push({ atMs, send }) === 1) this.#wait()
  }

  #wait(): void {
    const [next] = this.#due
    if (next === undefined) return
    const leftMs = next.atMs - performance.now()
    if (leftMs > TIMER_LATE_MS) {
      setTimeout(() => this.#wait(), leftMs - TIMER_LATE_MS)
    } else if (leftMs > 0) {
      setImmediate(() => this.#wait())
    } else {
      this.#due.shift()
      next.send()
      this.#wait()
    }
  }
}
