// Flow B, origin side, audit: which tokens of an answer are checked, what came of both computations, and
// which may be shown. Spans of positions are drawn by the origin's own randomness when the answer reaches
// them, so no stage can know which of its steps will be computed again. A token of a drawn span is held
// back until the checker has the same one, and so is all that follows it. Pure but for the draws.

import { unit, type Random } from '../base/random.ts'
import { NO_LOGITS_HASH } from '../wire/session.ts'

import type { TokenEvent, Turn } from './session-types.ts'

/**
 * Positions that are drawn together: shorter spans would prepare the checker more often, longer ones make
 * the audited share of a short answer all or nothing.
 */
const SPAN_TOKENS = 8

export class AuditLedger {
  readonly #turn: Turn
  readonly #random: Random
  /** Part of the spans that are checked, 0 to 1. */
  #share: number
  readonly #draws: boolean[] = []
  /** Tokens of the answer from the turn's end on, those that wait to be shown last. */
  #answers: TokenEvent[] = []
  readonly #checks = new Map<number, TokenEvent>()
  #shownEnd: number

  constructor(turn: Turn, share: number, random: Random) {
    this.#turn = turn
    this.#share = share
    this.#random = random
    this.#shownEnd = turn.ids.length
  }

  /** Position behind the last token that may be shown. */
  get shownEnd(): number {
    return this.#shownEnd
  }

  /** The answer has ended and all of it may be shown. */
  get isOver(): boolean {
    return this.hasEnded && this.#shownEnd === this.#answersEnd
  }

  /** The answer's last token is here. */
  get hasEnded(): boolean {
    const last = this.#answers.at(-1)
    return last !== undefined && last.finish !== 'none'
  }

  /** Ids of all positions before this one, which must have been answered. */
  idsBefore(position: number): number[] {
    const { ids } = this.#turn
    return [...ids, ...this.#answers.map(({ id }) => id)].slice(0, position)
  }

  /** A turn that goes on at this position, which is shown or about to be, until `end`. */
  turnAt(position: number, end: number): Turn {
    const before = this.#answers.slice(0, position - this.#turn.ids.length)
    const ids = before.map(({ id }) => id)
    const answered = { ids, logitsHash: before.at(-1)?.logitsHash ?? NO_LOGITS_HASH }
    return { ...this.#turn, positionEnd: end, answered }
  }

  /** The answer's next token. */
  answered(token: TokenEvent): void {
    this.#answers.push(token)
  }

  /** The same token as another route has it. */
  checked(token: TokenEvent): void {
    this.#checks.set(token.position, token)
  }

  /** Tokens that may be shown now, in order, and whether they were checked; they count as shown. */
  release(): { token: TokenEvent; isChecked: boolean }[] {
    const shown: { token: TokenEvent; isChecked: boolean }[] = []
    for (; this.#shownEnd < this.#answersEnd; this.#shownEnd++) {
      const token = this.#answerAt(this.#shownEnd)
      const isChecked = this.#isDrawn(this.#shownEnd)
      if (isChecked) {
        const check = this.#checks.get(this.#shownEnd)
        if (check === undefined || !this.isSame(token, check)) break
        this.#checks.delete(this.#shownEnd)
      }
      shown.push({ token, isChecked })
    }
    return shown
  }

  /** The two tokens of the next position to be shown where they differ; null while they do not. */
  get mismatch(): { answer: TokenEvent; check: TokenEvent } | null {
    if (this.#shownEnd >= this.#answersEnd || !this.#isDrawn(this.#shownEnd)) return null
    const answer = this.#answerAt(this.#shownEnd)
    const check = this.#checks.get(this.#shownEnd)
    return check === undefined || this.isSame(answer, check) ? null : { answer, check }
  }

  /** A checker's span ends where the answer goes on, so how a token ends the answer is known by rule. */
  isSame(answer: TokenEvent, check: TokenEvent): boolean {
    const { stopIds, positionEnd } = this.#turn
    const isFull = answer.position + 1 >= positionEnd
    const finish = stopIds.includes(answer.id) ? 'stop' : isFull ? 'length' : 'none'
    const isSameToken = answer.id === check.id && answer.logitsHash === check.logitsHash
    return isSameToken && answer.finish === finish
  }

  /** Positions that a checker should compute next; null: none whose beginning is known yet. */
  nextSpan(): { start: number; end: number } | null {
    const last = this.hasEnded ? this.#answersEnd - 1 : this.#answersEnd
    for (let start = this.#shownEnd; start <= last; start++) {
      if (start >= this.#turn.positionEnd) return null
      if (!this.#isDrawn(start) || this.#checks.has(start)) continue
      let end = start + 1
      while (end < this.#turn.positionEnd && this.#isDrawn(end)) end++
      return { start, end }
    }
    return null
  }

  /** Forgets what was answered from `position` on, which was never shown. @returns how many tokens. */
  withdraw(position: number): number {
    const nTokens = this.#answersEnd - position
    this.#answers.length -= nTokens
    return nTokens
  }

  /** Forgets what was checked and not shown: the checker was wrong, or is gone. */
  distrust(): void {
    this.#checks.clear()
  }

  /** Nothing is held back from now on. */
  giveUp(): void {
    this.#share = 0
    this.#draws.length = 0
    this.#checks.clear()
  }

  get #answersEnd(): number {
    return this.#turn.ids.length + this.#answers.length
  }

  #answerAt(position: number): TokenEvent {
    return this.#answers[position - this.#turn.ids.length] as TokenEvent
  }

  #isDrawn(position: number): boolean {
    const span = Math.floor((position - this.#turn.ids.length) / SPAN_TOKENS)
    while (this.#draws.length <= span) this.#draws.push(unit(this.#random) < this.#share)
    return this.#draws[span] as boolean
  }
}
