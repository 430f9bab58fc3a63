// Flow B, origin side, audit: between the sessions that answer (turn-sessions.ts) and one audited turn.
// Gives a turn what it needs of the swarm, and remembers which peers were caught: no later answer of this
// process passes them, verified or not.

import { SwarmError } from '../base/errors.ts'
import { formatRange } from '../model/layer-range.ts'
import { shortId } from '../wire/ids.ts'
import { AuditedTurn, type AuditStep, type SessionShape } from './audited-turn.ts'

import type { Random } from '../base/random.ts'
import type { Span } from '../sharding/cover.ts'
import type { PeerId } from '../wire/ids.ts'
import type { Route } from './route.ts'
import type { Session } from './session.ts'
import type { Repair, Turn } from './session-types.ts'

export interface AuditorComponents {
  self: PeerId
  random: Random
  /** What peers within reach hold now, of this model; absent where there is but one peer. */
  spans?: () => readonly Span[]
  /** @throws PLAN_GAP */
  findRoute: () => Route
  repair?: Repair
  /** What people call a peer; its short id when absent. */
  nameOf?: (peer: PeerId) => string
}

/** How a session finds its route, and another one when it lost a stage. */
export interface Ways {
  findRoute: () => Route
  repair?: Repair
}

export class Auditor {
  readonly #components: AuditorComponents
  readonly #nameOf: (peer: PeerId) => string
  /** Peers that were wrong for certain. */
  readonly #caught = new Set<PeerId>()

  constructor(components: AuditorComponents) {
    this.#components = components
    this.#nameOf = components.nameOf ?? shortId
  }

  /** As they were given, but never over these peers; absent: those that were caught. */
  ways(excluded: ReadonlySet<PeerId> = this.#caught): Ways {
    const { findRoute, repair } = this.#components
    if (repair === undefined) return { findRoute: () => this.#checked(findRoute(), excluded) }
    return {
      findRoute: () => {
        const route = findRoute()
        return this.#checked(excluded.size > 0 ? repair(route, excluded) : route, excluded)
      },
      repair: (route, avoided) => {
        return this.#checked(repair(route, new Set([...avoided, ...excluded])), excluded)
      }
    }
  }

  /** Whether no stage of a route was caught. */
  mayServe({ stages }: Route): boolean {
    return stages.every(({ peer }) => !this.#caught.has(peer))
  }

  /**
   * @param session on a route of ways(), of which the stages keep what they computed.
   * @param share of the turn's steps that are computed again, above 0 to 1.
   * @param open a session like it. @throws as Session.run; PLAN_GAP
   */
  async *run(
    session: Session,
    turn: Turn,
    share: number,
    open: (shape: SessionShape) => Session,
    signal: AbortSignal
  ): AsyncGenerator<AuditStep, void> {
    const { self, random, spans = () => [] } = this.#components
    const ports = {
      self,
      random,
      spans,
      open,
      nameOf: this.#nameOf,
      ways: (excluded: ReadonlySet<PeerId>) => this.ways(excluded)
    }
    const audited = new AuditedTurn(ports, session, turn, share, this.#caught)
    for await (const step of audited.run(signal)) {
      if ('audit' in step && step.audit.isCertain) {
        for (const peer of step.audit.guilty) this.#caught.add(peer)
      }
      yield step
    }
  }

  #checked(route: Route, excluded: ReadonlySet<PeerId>): Route {
    const wrong = route.stages.find(({ peer }) => excluded.has(peer))
    if (wrong === undefined) return route
    const who = this.#nameOf(wrong.peer)
    const text = `layers ${formatRange(wrong)} are held by ${who} alone, which was left out`
    throw new SwarmError('PLAN_GAP', `${text}: the answer goes on when another peer has them`)
  }
}
