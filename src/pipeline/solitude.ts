// Flow A, serving side: whether one session has this stage to itself. Its steps may then run where nobody
// else could be served meanwhile (compute/short-steps.ts). Pure bookkeeping of who was in which step; a
// session that waits for its user, in a conversation, keeps nobody from being alone.

/** Since another session was served: longer than a token of it takes to come round. */
const ALONE_MS = 1000

export class Solitude<T> {
  /** When those that go on were served last. */
  readonly #servedMs = new Map<T, number>()

  /** A step of these begins. @returns whether it is of one, and no other was served for a while. */
  begins(items: readonly T[], nowMs: number): boolean {
    for (const item of items) this.#servedMs.set(item, nowMs)
    for (const [item, servedMs] of this.#servedMs) {
      if (nowMs - servedMs > ALONE_MS) this.#servedMs.delete(item)
    }
    return items.length === 1 && this.#servedMs.size === 1
  }

  /** It has ended, so nobody has it for company. */
  ended(item: T): void {
    this.#servedMs.delete(item)
  }
}
