// Flow A, first stage: how many drafted tokens are worth computing behind the next one of a session, from
// 0 (plain decoding) to DRAFT_TOKENS_MAX. Pure: it is told how long each step took and which guesses were
// right. A guess is judged by the tokens that come, also where it was not computed, so that knowing how
// good the guesses are costs nothing; only what a drafted row costs has to be tried.
//
// What tries and mistakes may cost is an account in plain steps: a small grant, a share of the tokens so
// far, and a part of what drafts have gained. No draft is computed that could overdraw it, so a session is
// never slower than plain decoding by more than that share, whatever the text, the links and the machine.

import { DRAFT_TOKENS_MAX } from '../base/limits.ts'

export interface DraftedStep {
  /** As of Guess; 0 where there was none. */
  matched: number
  /** Ids computed behind the token. */
  drafted: number
  /** Ids of the guess that came, computed or not, up to the first wrong one. */
  right: number
  /** Whether one of the guess was wrong. */
  isWrong: boolean
  /** Tokens that came. */
  tokens: number
  /** From the step's start to its tokens: the whole ring. */
  elapsedMs: number
}

const SIZES = [2, 4, 8, DRAFT_TOKENS_MAX] as const
/** Plain steps that say how long one takes: the middle of them, since single ones are disturbed. */
const PLAIN_STEPS = 9
/** Before that many nothing is drafted. */
const PLAIN_STEPS_MIN = 3
/** Drafted steps in a row after which a plain one says anew how long that takes. */
const DRAFTED_STEPS_MAX = 32
/**
 * What drafts may cost in plain steps: at once, and per token. Under 3 % from 128 tokens on, even where a
 * first draft takes three times what was expected of it.
 */
const GRANT = 0.7
const SHARE = 0.012
/** Gained steps that may be lost again: a text that turns out otherwise than it began is seen by then. */
const CREDIT_MAX = 4
/** What a draft must promise to be worth the disturbance of other sessions. */
const GAIN_MIN = 1.05
/** Cost of the smallest draft in plain steps before any was measured. */
const COST = 0.7
/** Cost of a draft over that of one half as long: rows share the reading of weights, and the ring. */
const GROWTH = 1.8
/** How fast a measured cost follows, and how fast a high one is forgotten while nothing is drafted. */
const FOLLOW = 0.3
const FORGET = 0.02
/** Shares of right guesses by the length of the match before any was seen; each counts as so many. */
const CLASSES = [
  { matched: 9, right: 0.85 },
  { matched: 5, right: 0.7 },
  { matched: 3, right: 0.5 },
  { matched: 0, right: 0.3 }
] as const
const PRIOR_GUESSES = 2
/** What a guess counts after the next one. */
const FADE = 0.95
/** Where a step takes more than so many times what it should, the rest says nothing of what a draft costs. */
const OUTLIER = 1.5
/** The account believes more: drafts that are dear must not pass for disturbed ones. */
const CHARGED_MAX = 3

interface Record {
  right: number
  all: number
}

export class DraftLength {
  readonly #plainMs: number[] = []
  /** Of a draft of each size, in plain steps; null: not measured. */
  readonly #costs: (number | null)[] = SIZES.map(() => null)
  readonly #records: Record[] = CLASSES.map(({ right }) => {
    return { right: right * PRIOR_GUESSES, all: PRIOR_GUESSES }
  })
  /** Plain steps that drafts have cost more than they brought. */
  #lost = 0
  #tokens = 0
  #draftedInARow = 0

  /** @param matched as of Guess. @param most ids that there are. */
  choose(matched: number, most: number): number {
    const isBlind = this.#plainMs.length < PLAIN_STEPS_MIN
    if (isBlind || this.#draftedInARow >= DRAFTED_STEPS_MAX) return 0
    const { right, all } = this.#records[classOf(matched)] as Record
    const budget = GRANT + SHARE * this.#tokens - this.#lost
    let [chosen, best] = [0, GAIN_MIN]
    for (const [i, size] of SIZES.entries()) {
      // Twice what was tried last: its cost is then known well enough.
      const isUntried = i > 0 && this.#costs[i - 1] === null && this.#costs[i] === null
      if (size > most || isUntried) break
      const cost = this.#cost(i)
      const gain = expectedTokens(right / all, size) / (1 + cost)
      if (cost <= budget && gain > best) [chosen, best] = [size, gain]
    }
    return chosen
  }

  observe(step: DraftedStep): void {
    const { matched, drafted, tokens, elapsedMs } = step
    if (matched > 0) this.#judge(classOf(matched), step)
    this.#tokens += tokens
    if (drafted === 0) return this.#observePlain(elapsedMs)
    const plainMs = this.plainMs
    this.#draftedInARow++
    const i = SIZES.findIndex((size) => size === drafted)
    const [took, expected] = [elapsedMs / plainMs, 1 + this.#cost(i)]
    const cost = Math.max(0, Math.min(took, OUTLIER * expected) - 1)
    const known = this.#costs[i] ?? null
    this.#costs[i] = known === null ? cost : known + FOLLOW * (cost - known)
    const charged = Math.min(took, CHARGED_MAX * expected)
    this.#lost = Math.max(-CREDIT_MAX, this.#lost + charged - tokens)
  }

  /** What a plain step takes on average, disturbances as they are counted of drafted ones; 0: unknown. */
  get plainMs(): number {
    const sorted = this.#plainMs.toSorted((a, b) => a - b)
    const middle = sorted[Math.floor(sorted.length / 2)] ?? 0
    const sum = sorted.reduce((sum, ms) => sum + Math.min(ms, OUTLIER * middle), 0)
    return sum / Math.max(1, sorted.length)
  }

  #observePlain(elapsedMs: number): void {
    // A clock that stands still says nothing of what a draft would cost.
    if (elapsedMs > 0) this.#plainMs.push(elapsedMs)
    if (this.#plainMs.length > PLAIN_STEPS) this.#plainMs.shift()
    this.#draftedInARow = 0
    for (const [i, cost] of this.#costs.entries()) {
      const usual = COST * GROWTH ** i
      if (cost !== null && cost > usual) this.#costs[i] = cost + FORGET * (usual - cost)
    }
  }

  #judge(index: number, { right, isWrong }: DraftedStep): void {
    const record = this.#records[index] as Record
    const seen = right + (isWrong ? 1 : 0)
    const fade = FADE ** seen
    record.right = record.right * fade + right
    record.all = record.all * fade + seen
  }

  /** Measured, or after the next smaller size. */
  #cost(index: number): number {
    if (index < 0) return COST / GROWTH
    return this.#costs[index] ?? GROWTH * this.#cost(index - 1)
  }
}

function classOf(matched: number): number {
  return CLASSES.findIndex((entry) => matched >= entry.matched)
}

/** Of a token and `drafted` ids behind it, each right with this share: those up to the first wrong one. */
function expectedTokens(share: number, drafted: number): number {
  let [tokens, all] = [1, 1]
  for (let i = 0; i < drafted; i++) tokens += all *= share
  return tokens
}
