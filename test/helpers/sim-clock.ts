// A clock that only moves when told: timers fire in order of time, then of creation, and between two
// of them everything that promises have to do is done. So a second of a swarm takes milliseconds, and
// the same seed gives the same run.

import type { Clock, Timer } from '../../src/base/clock.ts'

interface Entry {
  atMs: number
  order: number
  fn: () => void
  isCancelled: boolean
}

export class SimClock implements Clock {
  #nowMs = 1000
  #order = 0
  /** Binary heap by time and order. */
  #heap: Entry[] = []
  /** Timers fired so far. */
  fired = 0

  now(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return 1.7e12 + this.#nowMs
  }

  after(delayMs: number, fn: () => void): Timer {
    const entry = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      fn,
      isCancelled: false
    }
    this.#push(entry)
    return {
      cancel() {
        entry.isCancelled = true
      }
    }
  }

  /** Runs until the condition holds. @returns false when `limitMs` passed or nothing is left to happen. */
  async until(condition: () => boolean, limitMs = 3_600_000): Promise<boolean> {
    const endMs = this.#nowMs + limitMs
    await settleMicrotasks()
    while (!condition()) {
      const entry = this.#pop()
      if (entry === null) return false
      if (entry.atMs > endMs) {
        this.#push(entry)
        this.#nowMs = endMs
        return false
      }
      this.#nowMs = entry.atMs
      this.fired++
      entry.fn()
      await settleMicrotasks()
    }
    return true
  }

  /** Lets `ms` pass. */
  async pass(ms: number): Promise<void> {
    let isOver = false
    this.after(ms, () => (isOver = true))
    await this.until(() => isOver)
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(heap[at] as Entry, heap[parent] as Entry)) break
      swap(heap, at, parent)
      at = parent
    }
  }

  #pop(): Entry | null {
    for (;;) {
      const entry = this.#popAny()
      if (entry === null || !entry.isCancelled) return entry
    }
  }

  #popAny(): Entry | null {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined) return null
    if (heap.length === 0) return top
    heap[0] = last
    for (let at = 0; ;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && isBefore(heap[child] as Entry, heap[least] as Entry))
          least = child
      }
      if (least === at) return top
      swap(heap, at, least)
      at = least
    }
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs - b.atMs < 0 || (a.atMs === b.atMs && a.order < b.order)
}

function swap(heap: Entry[], a: number, b: number): void {
  const entry = heap[a] as Entry
  heap[a] = heap[b] as Entry
  heap[b] = entry
}

/** Resolves when every promise that can go on has done so: the event loop comes round only then. */
export function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
