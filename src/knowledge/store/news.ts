// Whether something about a peer is worth saying: what it can cause as often as it likes is said once in a
// while. Pure but for the clock.

import { DIRECTORY_RECORDS_MAX } from '../../base/limits.ts'

import type { Clock } from '../../base/clock.ts'
import type { KnowledgeEvent } from '../ports.ts'

/** Of one kind about one author. */
const REPEAT_MS = 60_000

export class News {
  readonly #clock: Clock
  readonly #toldMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isNews({ kind, author }: KnowledgeEvent): boolean {
    if (kind !== 'flood' && kind !== 'fault' && kind !== 'refused') return true
    const key = `${kind} ${author}`
    const nowMs = this.#clock.now()
    const toldMs = this.#toldMs.get(key)
    if (toldMs !== undefined && nowMs - toldMs < REPEAT_MS) return false
    // Set anew, so that the first key is the one that was told longest ago.
    this.#toldMs.delete(key)
    this.#toldMs.set(key, nowMs)
    const [oldest] = this.#toldMs.keys()
    if (this.#toldMs.size > DIRECTORY_RECORDS_MAX) this.#toldMs.delete(oldest as string)
    return true
  }
}
