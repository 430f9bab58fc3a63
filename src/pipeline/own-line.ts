// Flow B, origin side: the questions of this peer that wait for room on its route, first come first served.
// Only the first asks the stages, again and again, with the ticket that the first refusal brought; there the
// peer stands in line with other peers (waiting-line.ts). Owns who is next; waits for nothing itself.

import { SwarmError } from '../base/errors.ts'
import { QUESTIONS_WAITING_MAX } from '../base/limits.ts'

import type { Place } from '../wire/session.ts'

/** One question in line. */
export class Queued {
  readonly #line: OwnLine
  /** Counts the questions of this peer. */
  readonly number: number

  constructor(line: OwnLine, number: number) {
    this.#line = line
    this.number = number
  }

  get isFirst(): boolean {
    return this.#line.placeOf(this) === 0
  }

  /** Questions and other origins that come first, as far as is known here. */
  get before(): number {
    return this.#line.placeOf(this) + this.#line.othersBefore
  }

  leave(): void {
    this.#line.leave(this)
  }
}

export class OwnLine {
  #queued: Queued[] = []
  #place: Place | null = null
  #asked = 0

  get isEmpty(): boolean {
    return this.#queued.length === 0
  }

  /** For whoever asks the stages next; 0: there is none. */
  get ticket(): number {
    return this.#place?.ticket ?? 0
  }

  /** Other origins that come before the first question here. */
  get othersBefore(): number {
    return this.#place?.before ?? 0
  }

  /** A question begins. @returns its number. */
  arrive(): number {
    return this.#asked++
  }

  /** Behind those that were asked before it, of which some may have heard later. @throws STAGE_FULL */
  join(number: number): Queued {
    if (this.#queued.length >= QUESTIONS_WAITING_MAX) {
      const text = `${QUESTIONS_WAITING_MAX} questions wait for room here already: ask again later`
      throw new SwarmError('STAGE_FULL', text)
    }
    const queued = new Queued(this, number)
    this.#queued = [...this.#queued, queued].toSorted((a, b) => a.number - b.number)
    return queued
  }

  /** A stage had no room for the first question: of several places that it got, the first counts. */
  refused({ ticket, before }: Place): void {
    this.#place = { ticket: this.ticket === 0 ? ticket : this.ticket, before }
  }

  placeOf(queued: Queued): number {
    return this.#queued.indexOf(queued)
  }

  /** It gave up: its place among origins is the next one's. */
  leave(queued: Queued): void {
    this.#queued = this.#queued.filter((other) => other !== queued)
    if (this.isEmpty) this.#place = null
  }

  /** It got its room: the next one's turn comes after the origins that wait now. */
  admitted(queued: Queued): void {
    this.#place = null
    this.leave(queued)
  }
}
