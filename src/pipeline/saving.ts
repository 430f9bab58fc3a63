// Flow B, origin side: one request to the stages of a session to save their keys and values, and what each of
// them answers. A stage that is gone or silent has saved nothing; the others count all the same, and nothing
// of the session changes. Owns its patience; which ids are saved is session.ts's to know.

import { toSwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'

import type { Clock, Timer } from '../base/clock.ts'
import type { SavedStage } from '../wire/generation.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'
import type { SavedMessage } from '../wire/errands.ts'
import type { RouteStage } from '../wire/session.ts'
import type { Hops } from './hop.ts'

// Of all stages together: 4 GiB at the 100 MB/s of a slow disk.
const SAVE_TIMEOUT_MS = 45_000
const REASON_CHARS = 400

export interface SaveRequest {
  session: SessionId
  epoch: number
  name: SessionId
  tokens: number
  stages: readonly RouteStage[]
}

export class Saving {
  readonly #request: SaveRequest
  readonly #answers: (SavedStage | null)[]
  readonly #timer: Timer
  #resolve: (stages: SavedStage[]) => void = () => {}
  /** Every stage, in the route's order. */
  readonly done = new Promise<SavedStage[]>((resolve) => (this.#resolve = resolve))

  constructor(request: SaveRequest, hops: Hops, clock: Clock) {
    const { session, epoch, name, tokens, stages } = request
    this.#request = request
    this.#answers = stages.map(() => null)
    this.#timer = clock.after(SAVE_TIMEOUT_MS, () =>
      this.#giveUp('it did not answer in time', null)
    )
    for (const [index, { peer }] of stages.entries()) {
      try {
        hops.to(peer).send({ type: 'save', session, epoch, index, name, tokens })
      } catch (error) {
        this.#answer(index, 0, toSwarmError(error, 'PEER_GONE').message)
      }
    }
  }

  /** @param from proven by the hop. */
  saved(from: PeerId, { index, name, tokens, text }: SavedMessage): void {
    const { stages, name: asked } = this.#request
    if (stages[index]?.peer !== from || name !== asked || this.#answers[index] !== null) return
    this.#answer(index, Math.min(tokens, this.#request.tokens), clip(text, REASON_CHARS))
  }

  gone(peer: PeerId): void {
    this.#giveUp('it left', peer)
  }

  #giveUp(reason: string, peer: PeerId | null): void {
    for (const [index, stage] of this.#request.stages.entries()) {
      const isIt = peer === null || stage.peer === peer
      if (isIt && this.#answers[index] === null) this.#answer(index, 0, reason)
    }
  }

  #answer(index: number, tokens: number, text: string): void {
    this.#answers[index] = { ...(this.#request.stages[index] as RouteStage), tokens, text }
    const stages = this.#answers.filter((answer) => answer !== null)
    if (stages.length < this.#answers.length) return
    this.#timer.cancel()
    this.#resolve(stages)
  }
}
