// Flow B, origin side, a planned move: the stages of another route that are new are opened and filled beside
// the route that runs, which goes on meanwhile. The stage of the running route before them gives them the
// outputs it kept; where there is none, the origin sends ids. What the answer gains meanwhile is filled in
// further rounds, until so little is missing that changing over is a matter of one step. Pure; moving.ts
// says when, and session-state.ts changes over with the same steps as after a loss.

import { Filling, NOTHING_TO_FILL, type Fill } from './fills.ts'
import { describeStage, sameStage, type Route } from './route.ts'
import { chunkMessage, openMessages, warmMessage } from './session-outbox.ts'

import type { PeerId } from '../wire/ids.ts'
import type { OpenedMessage, ProgressMessage, RouteStage } from '../wire/session.ts'
import type { Opening } from './session-outbox.ts'
import type { Action, SessionSetup } from './session-types.ts'

/**
 * What may be missing when the route changes: these are computed while the reader waits, in one step that is
 * hardly longer than that of a token. Fewer would be overtaken by a quick answer again and again.
 */
const LAG_TOKENS_MAX = 16

export class WarmUp {
  readonly epoch: number
  readonly route: Route
  readonly #setup: SessionSetup
  readonly #before: Route
  /** Of each stage of the route: positions that it has; null where it runs already. */
  readonly #ends: (number | null)[]
  readonly #waiting: Set<number>
  #filling = NOTHING_TO_FILL

  /** @param epoch no stage has had a newer one. */
  constructor(setup: SessionSetup, before: Route, route: Route, epoch: number) {
    this.#setup = setup
    this.#before = before
    this.route = route
    this.epoch = epoch
    const isNew = (stage: RouteStage) => !before.stages.some((old) => sameStage(old, stage))
    this.#ends = route.stages.map((stage) => (isNew(stage) ? 0 : null))
    this.#waiting = new Set(this.#indexes)
  }

  /** Whether it is of this route, too. */
  leadsTo({ stages }: Route): boolean {
    const own = this.route.stages
    return stages.length === own.length && stages.every((one, i) => sameStage(one, own[i] ?? one))
  }

  /** False where all of its stages run already. */
  get isNeeded(): boolean {
    return this.#indexes.length > 0
  }

  /** Whether a peer gets a stage by it. */
  warms(peer: PeerId): boolean {
    return this.#indexes.some((index) => this.route.stages[index]?.peer === peer)
  }

  /** Whether a peer has a part in it. */
  concerns(peer: PeerId): boolean {
    return this.route.stages.some((stage) => stage.peer === peer)
  }

  /** `1a2b3c4d (layers 7-11) hands its layers on` */
  get text(): string {
    const { stages } = this.route
    const left = this.#before.stages.filter((old) => !stages.some((one) => sameStage(old, one)))
    return `${left.map(describeStage).join(', ')} hands its layers on`
  }

  open(opening: Omit<Opening, 'epoch' | 'isWarmUp'>): Action[] {
    const own = { ...opening, epoch: this.epoch, isWarmUp: true }
    return openMessages(this.#setup, this.route, own).filter((_, i) => this.#ends[i] !== null)
  }

  /** @returns whether it was due. */
  opened(from: PeerId, { index, cachedTokens }: OpenedMessage): boolean {
    if (this.route.stages[index]?.peer !== from || !this.#waiting.delete(index)) return false
    this.#ends[index] = cachedTokens
    return true
  }

  /** Returns as opened. */
  progress(from: PeerId, { index, position }: ProgressMessage): boolean {
    return this.route.stages[index]?.peer === from && this.#filling.done(index, position)
  }

  /** @param end positions that the running route has. */
  isReady(end: number): boolean {
    const isBehind = (position: number | null) =>
      position !== null && end - position > LAG_TOKENS_MAX
    return this.#waiting.size === 0 && this.#filling.isOver && !this.#ends.some(isBehind)
  }

  /**
   * What may be sent now.
   * @param epoch of the running route. @param end as of isReady.
   * @param ids of at least one position more.
   */
  advance(epoch: number, end: number, ids: readonly number[]): Action[] {
    if (this.#waiting.size > 0) return []
    if (this.#filling.isOver) this.#filling = this.#round(end)
    const { stages } = this.route
    return [...this.#filling.take()].map((chunk) => {
      const source = stages[chunk.source]
      if (source === undefined) return chunkMessage(this.#setup, this.epoch, stages, chunk, ids)
      const index = this.#before.stages.findIndex((old) => sameStage(old, source))
      const heir = { stages, toEpoch: this.epoch }
      return warmMessage(this.#setup, { epoch, index }, heir, chunk)
    })
  }

  /** Those that are not on the route that stays are left. */
  close(stages: readonly RouteStage[]): Action[] {
    const isOther = ({ peer }: RouteStage) => !stages.some((stage) => stage.peer === peer)
    const opened = this.#indexes.map((index) => this.route.stages[index] as RouteStage)
    return opened.filter(isOther).map(({ peer }) => ({ type: 'leave', peer }))
  }

  get #indexes(): number[] {
    return this.#ends.flatMap((end, index) => (end === null ? [] : [index]))
  }

  /** New stages that follow each other are one chain, filled from the stage before it. */
  #round(end: number): Filling {
    const fills: Fill[] = []
    for (const index of this.#indexes) {
      const own = this.#ends[index] as number
      const last = fills.at(-1)
      if (last?.stop === index - 1) {
        last.stop = index
        last.start = Math.min(last.start, own)
      } else fills.push({ source: index - 1, stop: index, start: own, end })
    }
    for (const index of this.#indexes) this.#ends[index] = end
    return new Filling(
      fills.filter(({ start }) => start < end),
      this.#setup.chunking
    )
  }
}
