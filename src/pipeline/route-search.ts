// Flow B, which route to try when one could not be opened: nothing was answered yet, so another may be
// taken. Three reasons pass by themselves: a peer went, which its neighbours noticed before this one did; two
// peers of the route have not found each other yet, as when all have just started; or a peer has just given
// layers up, and word of that is on its way.

import { SwarmError } from '../base/errors.ts'
import type { RouteStage } from '../wire/session.ts'
import { lossText, sameStage, type Route } from './route.ts'

/** Routes for one answer: a swarm that loses a peer with each of them has worse to tell than to wait. */
const ROUTES_TRIED_MAX = 3
/** How long two peers of a route may take to find each other: some dials, each of a second or two. */
const PASSING_MS = 8000

export class RouteSearch {
  readonly #findRoute: () => Route
  readonly #untilMs: number
  #left = ROUTES_TRIED_MAX
  #route: Route

  /** @throws PLAN_GAP, as findRoute. */
  constructor(findRoute: () => Route, nowMs: number) {
    this.#findRoute = findRoute
    this.#untilMs = nowMs + PASSING_MS
    this.#route = findRoute()
  }

  /** The one to try. */
  get route(): Route {
    return this.#route
  }

  /** The plan may have changed while there was no room. */
  refresh(): void {
    this.#route = this.#found() ?? this.#route
  }

  /**
   * Chooses again after the route could not be opened.
   * @returns why to wait a moment before the next try; null: try at once.
   * @throws `error` when it will not pass, or has not for too long.
   */
  next(error: unknown, nowMs: number): string | null {
    if (!(error instanceof SwarmError)) throw error
    const { code } = error
    const reason = lossText(error, this.#route.stages)
    const isGone = code === 'PEER_GONE'
    const passes = isGone || code === 'PEER_NO_LINK' || code === 'STAGE_NOT_LOADED'
    const isLast = isGone && this.#left === 1
    if (!passes || isLast || nowMs >= this.#untilMs) throw error
    const other = this.#found() ?? this.#route
    const isSame = sameStages(other, this.#route)
    this.#route = other
    if (!isGone || isSame) return reason
    this.#left--
    return null
  }

  /** Null while layers are missing: then what went wrong before says more. */
  #found(): Route | null {
    try {
      return this.#findRoute()
    } catch {
      return null
    }
  }
}

function sameStages(a: Route, b: Route): boolean {
  const isSame = (stage: RouteStage, index: number) => {
    const other = b.stages[index]
    return other !== undefined && sameStage(stage, other)
  }
  return a.stages.length === b.stages.length && a.stages.every(isSame)
}
