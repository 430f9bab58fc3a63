// Flow B, origin side, audit: one question to every stage of a route, what its rows hashed to, and the
// answers as they come. A stage that is gone, or silent for too long, has answered with null.

import { AUDIT_TIMEOUT_MS } from '../base/limits.ts'

import type { Clock, Timer } from '../base/clock.ts'
import type { AuditedMessage } from '../wire/errands.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'
import type { AuditClaim } from './audit-trail.ts'
import type { Hops } from './hop.ts'

/** What the stages of one route say of the same positions, in the route's order. */
export interface Testimony {
  stages: readonly RouteStage[]
  claims: readonly (AuditClaim | null)[]
}

export interface AuditRequest {
  session: SessionId
  epoch: number
  /** The rows before it are asked for. */
  position: number
  stages: readonly RouteStage[]
}

export class AuditInquiry {
  readonly #request: AuditRequest
  /** Undefined while an answer may still come. */
  readonly #claims: (AuditClaim | null | undefined)[]
  readonly #timer: Timer
  #resolve: (testimony: Testimony) => void = () => {}
  readonly testimony = new Promise<Testimony>((resolve) => (this.#resolve = resolve))

  constructor(request: AuditRequest, hops: Hops, clock: Clock) {
    const { stages, ...asked } = request
    this.#request = request
    this.#claims = stages.map(() => undefined)
    this.#timer = clock.after(AUDIT_TIMEOUT_MS, () => this.end())
    for (const [index, { peer }] of stages.entries()) {
      try {
        hops.to(peer).send({ type: 'audit', ...asked, index })
      } catch {
        this.gone(peer)
      }
    }
  }

  /** The first answer of each stage counts. @param from proven by the hop. */
  audited(from: PeerId, { epoch, index, position, input, output }: AuditedMessage): void {
    const { stages, ...asked } = this.#request
    if (stages[index]?.peer !== from || this.#claims[index] !== undefined) return
    if (epoch === asked.epoch && position === asked.position) this.#put(index, { input, output })
  }

  gone(peer: PeerId): void {
    this.#giveUp((stage) => stage.peer === peer)
  }

  /** Nobody else will answer. */
  end(): void {
    this.#giveUp(() => true)
  }

  #giveUp(isSilent: (stage: RouteStage) => boolean): void {
    for (const [index, stage] of this.#request.stages.entries()) {
      if (isSilent(stage) && this.#claims[index] === undefined) this.#put(index, null)
    }
  }

  #put(index: number, claim: AuditClaim | null): void {
    this.#claims[index] = claim
    const claims = this.#claims.filter((one) => one !== undefined)
    if (claims.length < this.#claims.length) return
    this.#timer.cancel()
    this.#resolve({ stages: this.#request.stages, claims })
  }
}
