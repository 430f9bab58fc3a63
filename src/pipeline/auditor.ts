// Flow B, origin side, audit: between the text generator and an audited turn. Gives a turn what it needs of
// the swarm, remembers which peers were caught, for all later answers of this process, and makes of what
// was found the events and the part of the result that people see.

import { SwarmError } from '../base/errors.ts'
import { formatRange } from '../model/layer-range.ts'
import { shortId } from '../wire/ids.ts'
import { AuditedTurn, type AuditStep } from './audited-turn.ts'

import type { Random } from '../base/random.ts'
import type { Span } from '../sharding/cover.ts'
import type { GenerateResult } from '../wire/generation.ts'
import type { PeerId } from '../wire/ids.ts'
import type { Route } from './route.ts'
import type { Repair, Session } from './session.ts'
import type { Turn } from './session-types.ts'

export interface AuditorComponents {
  self: PeerId
  random: Random
  /** What peers within reach hold now, of this model; absent where there is but one peer. */
  spans?: (() => readonly Span[]) | undefined
  /** @throws PLAN_GAP */
  findRoute: () => Route
  repair?: Repair | undefined
}

/** One turn that is verified, and what came of it. */
export interface AuditRun {
  steps: AsyncGenerator<AuditStep, void>
  audit: () => NonNullable<GenerateResult['audit']>
}

export class Auditor {
  readonly #components: AuditorComponents
  /** Peers that were wrong for certain. */
  readonly #caught = new Set<PeerId>()

  constructor(components: AuditorComponents) {
    this.#components = components
  }

  /** A route without the peers that were caught. @throws PLAN_GAP */
  findRoute(): Route {
    return this.#routeWithout(this.#caught)
  }

  /**
   * @param session on a route of findRoute, of which the stages keep what they computed.
   * @param share of the turn's steps that are computed again, above 0 to 1.
   * @param open a session like it on another route.
   */
  run(
    session: Session,
    turn: Turn,
    share: number,
    open: (route: Route, repair: Repair | undefined) => Session,
    signal: AbortSignal
  ): AuditRun {
    const { self, random, spans = () => [] } = this.#components
    const ports = {
      self,
      random,
      spans,
      findRoute: (excluded: ReadonlySet<PeerId>) => this.#routeWithout(excluded),
      createSession: (route: Route, excluded: ReadonlySet<PeerId>, answers: boolean) =>
        open(route, answers ? this.repair(excluded) : undefined)
    }
    const audited = new AuditedTurn(ports, session, turn, share, this.#caught)
    const excluded = new Set<PeerId>()
    const audit = () => ({ checkedTokens: audited.checkedTokens, excluded: [...excluded] })
    return { steps: this.#noted(audited.run(signal), excluded), audit }
  }

  /** As the repair that it was given, but never over these peers. */
  repair(excluded: ReadonlySet<PeerId> = this.#caught): Repair | undefined {
    const { repair } = this.#components
    return (
      repair && ((route, avoided) => checked(repair(route, union(avoided, excluded)), excluded))
    )
  }

  async *#noted(
    steps: AsyncGenerator<AuditStep, void>,
    excluded: Set<PeerId>
  ): AsyncGenerator<AuditStep, void> {
    for await (const step of steps) {
      if ('audit' in step) {
        for (const peer of step.guilty) excluded.add(peer)
        if (step.isCertain) for (const peer of step.guilty) this.#caught.add(peer)
      }
      yield step
    }
  }

  #routeWithout(excluded: ReadonlySet<PeerId>): Route {
    const { findRoute, repair } = this.#components
    const route = findRoute()
    return checked(excluded.size > 0 && repair ? repair(route, excluded) : route, excluded)
  }
}

function checked(route: Route, excluded: ReadonlySet<PeerId>): Route {
  const wrong = route.stages.find(({ peer }) => excluded.has(peer))
  if (wrong === undefined) return route
  const who = shortId(wrong.peer)
  const text = `layers ${formatRange(wrong)} are held by ${who} alone, which computed wrong bits`
  throw new SwarmError('PLAN_GAP', `${text}: the answer goes on when another peer has them`)
}

function union<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): Set<T> {
  return new Set([...a, ...b])
}
