// Flow B, origin side: what went wrong since an answer last moved, and whether another route is worth trying.
// Peers that are merely gone may be lost without end; a fault of a stage is expected on the next route too,
// so there are few tries. Pure; session-state.ts decides what follows.

import { REROUTES_MAX } from '../base/limits.ts'
import { isRepairable } from './session-errors.ts'

import type { SwarmError } from '../base/errors.ts'
import type { PeerId } from '../wire/ids.ts'

export class Faults {
  /** Peers that a stage could not reach, or that failed. */
  readonly #avoided = new Set<PeerId>()
  #count = 0

  get avoided(): ReadonlySet<PeerId> {
    return new Set(this.#avoided)
  }

  avoid(peer: PeerId): void {
    this.#avoided.add(peer)
  }

  /** @returns whether another route may help. */
  add(error: SwarmError): boolean {
    if (error.family !== 'PEER') this.#count++
    return isRepairable(error) && this.#count <= REROUTES_MAX
  }

  /** The answer moved. */
  clear(): void {
    this.#count = 0
    this.#avoided.clear()
  }
}
