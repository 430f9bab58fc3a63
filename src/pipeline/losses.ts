// Flow B, origin side: what went wrong since the turn last moved, which is whom the next route leaves out if
// it can, and when another route is no use any more. Pure.

import { REROUTES_MAX } from '../base/limits.ts'
import { isRepairable } from './session-errors.ts'

import type { SwarmError } from '../base/errors.ts'
import type { PeerId } from '../wire/ids.ts'

export class Losses {
  /** Peers that a stage could not reach, or that failed. */
  readonly #avoided = new Set<PeerId>()
  /** Routes that failed for another reason than a peer's absence. */
  #reroutes = 0

  get avoided(): Set<PeerId> {
    return new Set(this.#avoided)
  }

  avoid(peer: PeerId): void {
    this.#avoided.add(peer)
  }

  /** @returns whether another route may help against this one more. */
  count(error: SwarmError): boolean {
    if (error.family !== 'PEER') this.#reroutes++
    return isRepairable(error) && this.#reroutes <= REROUTES_MAX
  }

  /** The turn moves: what went wrong before is over. */
  clear(): void {
    this.#reroutes = 0
    this.#avoided.clear()
  }
}
