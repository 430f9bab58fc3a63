// Flow B, origin side: which stages of a route have answered the last open or close, and what they said.
// Owns that each is heard once. Knows no phase: session-state.ts asks when it matters.

import type { PeerId } from '../wire/ids.ts'
import type { OpenedMessage, RouteStage, StageStats } from '../wire/session.ts'
import type { Standpoint } from './fills.ts'

export class StageAnswers {
  readonly #stages: readonly RouteStage[]
  /** What the epoch before cost each stage; null where no answer came. */
  readonly stats: (StageStats | null)[]
  readonly #standpoints: (Standpoint | null)[]
  /** Peers that cannot answer any more. */
  readonly #lost = new Set<PeerId>()

  constructor(stages: readonly RouteStage[]) {
    this.#stages = stages
    this.stats = stages.map(() => null)
    this.#standpoints = stages.map(() => null)
  }

  /** Stages that have not answered. */
  get silent(): RouteStage[] {
    return this.#stages.filter((_, index) => this.stats[index] === null)
  }

  /** Nobody is left who could still answer. */
  get areIn(): boolean {
    return this.silent.every(({ peer }) => this.#lost.has(peer))
  }

  /** Where all stages stand, in the route's order; null while one is missing. */
  get standpoints(): Standpoint[] | null {
    const known = this.#standpoints.filter((standpoint) => standpoint !== null)
    return known.length === this.#stages.length ? known : null
  }

  /** @returns false when the answer is not its to give, or was given. */
  take(from: PeerId, index: number, stats: StageStats): boolean {
    if (this.#stages[index]?.peer !== from || this.stats[index] !== null) return false
    this.stats[index] = stats
    return true
  }

  /** Returns as take. */
  opened(from: PeerId, message: OpenedMessage): boolean {
    if (!this.take(from, message.index, message.stats)) return false
    this.#standpoints[message.index] = message
    return true
  }

  lose(peer: PeerId): void {
    this.#lost.add(peer)
  }
}
