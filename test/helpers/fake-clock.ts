// A clock that stands still until a test moves it. Timers fire in the order of their time, each seeing
// the time it was set for, so hours pass in microseconds and always alike.

import type { Clock, Timer } from '../../src/base/clock.ts'

export class FakeClock implements Clock {
  #nowMs = 0
  #count = 0
  #timers = new Map<number, { dueMs: number; fn: () => void }>()

  now(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  after(delayMs: number, fn: () => void): Timer {
    const id = this.#count++
    this.#timers.set(id, { dueMs: this.#nowMs + Math.max(0, delayMs), fn })
    return { cancel: () => this.#timers.delete(id) }
  }

  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { dueMs }]) => dueMs <= endMs)
      if (due.length === 0) break
      const [id, timer] = due.reduce((a, b) => (b[1].dueMs < a[1].dueMs ? b : a))
      this.#timers.delete(id)
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
      timer.fn()
    }
    this.#nowMs = endMs
  }

  /** Time passes but nothing runs: the process was away. Timers that fell due run afterwards. */
  stall(ms: number): void {
    this.#nowMs += ms
    this.advance(0)
  }
}
