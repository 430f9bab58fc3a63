// Flow B, origin side: at most one warm-up (warm-up.ts) of a session, from the wish for another route until
// the turn goes over to it, or until it is of no use: the turn is over, was repaired, or a peer that should
// take over cannot. Decides with the state beside it (session-state.ts), which knows nothing of warm-ups.

import { WarmUp } from './warm-up.ts'

import type { PeerId } from '../wire/ids.ts'
import type { Route } from './route.ts'
import type { SessionState } from './session-state.ts'
import type { Action, OriginBound, Repair } from './session-types.ts'

/** Of one epoch: what could not be warmed so often is left to be repaired when its peer is gone. */
const WARM_UPS_MAX = 4

export class Moving {
  readonly #state: SessionState
  #warmUp: WarmUp | null = null
  /** Which epoch of the state the warm-ups are beside, and how many there were. */
  #epoch = 0
  #count = 0

  constructor(state: SessionState) {
    this.#state = state
  }

  /** What peers hold has changed: a turn of which a stage is to go is to go over to another route. */
  consider(repair: Repair): Action[] {
    const { setup, route } = this.#state
    // What an audit compares is of one route.
    if (!this.#isInTurn || !setup.isRepairable || setup.isAudited === true) return []
    try {
      return this.#begin(repair(route, new Set()))
    } catch {
      // Nobody else has its layers yet.
      return []
    }
  }

  #begin(route: Route): Action[] {
    const state = this.#state
    const { setup, epoch } = state
    if (this.#warmUp?.leadsTo(route)) return []
    const ended = this.#end()
    if (epoch !== this.#epoch) this.#count = 0
    this.#epoch = epoch
    const warmUp = new WarmUp(setup, state.route, route, state.newestEpoch + 1)
    if (!warmUp.isNeeded || this.#count === WARM_UPS_MAX) return ended
    this.#count++
    state.newestEpoch = warmUp.epoch
    this.#warmUp = warmUp
    return [...ended, ...warmUp.open(state.opening)]
  }

  /** @returns null when the message is none of a warm-up's. */
  handle(from: PeerId, message: OriginBound): Action[] | null {
    const warmUp = this.#warmUp
    if (warmUp === null || !('epoch' in message) || message.epoch !== warmUp.epoch) return null
    if (!warmUp.concerns(from)) return []
    if (message.type === 'failed') return this.#end()
    const isNews =
      (message.type === 'opened' && warmUp.opened(from, message)) ||
      (message.type === 'progress' && warmUp.progress(from, message))
    if (!isNews || !this.#isInTurn) return []
    const { epoch, cachedEnd, ids } = this.#state
    if (!warmUp.isReady(cachedEnd)) return warmUp.advance(epoch, cachedEnd, ids)
    return this.#state.goOver(warmUp.route, warmUp.text)
  }

  gone(peer: PeerId): Action[] {
    return this.#warmUp?.warms(peer) ? this.#end() : []
  }

  /** To be called when the state has changed: closes what a warm-up of no use any more has opened. */
  settle(): Action[] {
    const { epoch, phase } = this.#state
    // What is warm already may be on the route that repairs this one.
    const isStill = this.#isInTurn || phase === 'rerouting'
    return epoch === this.#epoch && isStill ? [] : this.#end()
  }

  get #isInTurn(): boolean {
    const { phase } = this.#state
    return phase === 'prefill' || phase === 'decode'
  }

  /** Peers that the route has too are not told: they forget it with its next epoch. */
  #end(): Action[] {
    const ended = this.#warmUp?.close(this.#state.route.stages) ?? []
    this.#warmUp = null
    return ended
  }
}
