// Flow A, first stage: in how many groups the sessions of a route follow each other. As many as there are
// stages keep all of these busy at once, which is fastest where each stage has a memory of its own and where
// links are slow. One group reads all weights once for all of them, which is fastest where stages share a
// machine's memory, so that two at once are hardly quicker than one. Nobody can see from here which it is:
// both are tried for a few rounds, and the faster one is kept for a while. Pure decisions from the times of
// steps; gathering.ts waits for whom this asks for. Bits do not depend on it (docs/arithmetic.md).

/** Rounds that are counted of each way, and those before them in which sessions find together or apart. */
const ROUNDS = 8
const SETTLING_ROUNDS = 4
/** Below it the ways are as good as each other: what is used stays. */
const GAIN_MIN = 1.05
/** What is known of so many sessions is tried again after this time: machines and links change. */
const KNOWN_MS = 5 * 60_000
/** Other groups are waited for until they have passed the other stages, with so much to spare. */
const MERGING_SHARE = 1.5
/** Steps in a row that may wait so long; then whoever is there goes alone until all have met. */
const MERGING_STEPS_MAX = 4
/** Numbers of sessions of which the better way is remembered. */
const KNOWN_MAX = 64

interface Trial {
  /** Of the way that was used before, then of the other one. */
  rates: number[]
  /** Tokens since the way was changed, and when those that count began. */
  tokens: number
  fromMs: number
}

export class Grouping {
  readonly nStages: number
  readonly #known = new Map<number, { isOne: boolean; atMs: number }>()
  #nGoing = 0
  #isOne = false
  #trial: Trial | null = null
  /** Steps that may still wait for other groups. One comes apart by itself: its first ones do not wait. */
  #merging = 0

  /** @param nStages of the route; at least 2. */
  constructor(nStages: number) {
    this.nStages = nStages
  }

  /** Sessions that a step should have, where so many are going. */
  groupOf(nGoing: number): number {
    return this.#isOne ? nGoing : Math.floor(nGoing / this.nStages)
  }

  /** Of a step's time, what may be waited for those who are in another group still; 0: nothing more. */
  get mergingShare(): number {
    return this.#isOne && this.#merging > 0 ? MERGING_SHARE * (this.nStages - 1) : 0
  }

  /** A step without prompts began. @param nGoing sessions that come round, these among them. */
  note(nTokens: number, nGoing: number, atMs: number): void {
    if (nGoing !== this.#nGoing) return this.#begin(nGoing, atMs)
    if (nTokens >= nGoing) this.#merging = MERGING_STEPS_MAX
    else if (this.#merging > 0) this.#merging--
    const known = this.#known.get(nGoing)
    if (this.#trial === null) {
      if (known !== undefined && atMs - known.atMs > KNOWN_MS) this.#try()
      return
    }
    this.#count(this.#trial, nTokens, atMs)
  }

  #begin(nGoing: number, atMs: number): void {
    this.#nGoing = nGoing
    // Whoever is new comes from somewhere between.
    this.#merging = MERGING_STEPS_MAX
    this.#trial = null
    const known = this.#known.get(nGoing)
    if (nGoing < 2) this.#use(false)
    else if (known === undefined || atMs - known.atMs > KNOWN_MS) this.#try()
    else this.#use(known.isOne)
  }

  #try(): void {
    this.#trial = { rates: [], tokens: 0, fromMs: 0 }
  }

  #count(trial: Trial, nTokens: number, atMs: number): void {
    const settled = SETTLING_ROUNDS * this.#nGoing
    if (trial.tokens < settled) trial.tokens = Math.min(trial.tokens + nTokens, settled)
    else if (trial.tokens < settled + ROUNDS * this.#nGoing) {
      if (trial.tokens === settled) trial.fromMs = atMs
      trial.tokens += nTokens
    } else {
      trial.rates.push((trial.tokens - settled) / (atMs - trial.fromMs))
      if (trial.rates.length < 2) this.#other(trial)
      else this.#conclude(trial, atMs)
    }
  }

  #other(trial: Trial): void {
    trial.tokens = 0
    this.#use(!this.#isOne)
  }

  #conclude({ rates: [before = 0, other = 0] }: Trial, atMs: number): void {
    this.#trial = null
    // The other way is the one in use.
    if (other < before * GAIN_MIN) this.#use(!this.#isOne)
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.set(this.#nGoing, { isOne: this.#isOne, atMs })
  }

  #use(isOne: boolean): void {
    this.#isOne = isOne
    this.#merging = MERGING_STEPS_MAX
  }
}
