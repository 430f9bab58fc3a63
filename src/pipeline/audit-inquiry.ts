// Flow B, origin side, audit: one question to every stage of a route, what its rows hashed to, and the
// answers as they come. A stage that does not answer in time has answered with null. Sends nothing itself.

import { AUDIT_TIMEOUT_MS } from '../base/limits.ts'

import type { Clock, Timer } from '../base/clock.ts'
import type { PeerId } from '../wire/ids.ts'
import type { AuditedMessage, RouteStage } from '../wire/session.ts'
import type { AuditClaim } from './audit-trail.ts'

/** What the stages of one route say of the same positions, in the route's order. */
export interface Testimony {
  stages: readonly RouteStage[]
  claims: (AuditClaim | null)[]
}

export class AuditInquiry {
  readonly testimony: Promise<Testimony>
  readonly #stages: readonly RouteStage[]
  readonly #position: number
  readonly #claims: (AuditClaim | null)[]
  readonly #timer: Timer
  #resolve: (testimony: Testimony) => void = () => {}

  /** @param position the rows before it are asked for. */
  constructor(clock: Clock, stages: readonly RouteStage[], position: number) {
    this.#stages = stages
    this.#position = position
    this.#claims = stages.map(() => null)
    this.testimony = new Promise((resolve) => (this.#resolve = resolve))
    this.#timer = clock.after(AUDIT_TIMEOUT_MS, () => this.end())
  }

  /** The first answer of each stage counts. */
  take(from: PeerId, { index, position, input, output }: AuditedMessage): void {
    const isDue = this.#stages[index]?.peer === from && this.#claims[index] === null
    if (!isDue || position !== this.#position) return
    this.#claims[index] = { input, output }
    if (this.#claims.every((claim) => claim !== null)) this.end()
  }

  /** Nobody else will answer. */
  end(): void {
    this.#timer.cancel()
    this.#resolve({ stages: this.#stages, claims: [...this.#claims] })
  }
}
