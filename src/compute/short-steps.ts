// Flow A, the computing end: which steps run on the event loop's own thread instead of the stage's. Handing
// a step over and taking it back wakes two sleeping threads: for each token of each stage 0.3 ms where the
// weights have swept the caches, 0.1 ms elsewhere. What else the loop does, drawing a screen perhaps, then
// waits for the step, and the next step for that. Owns this decision and that the loop goes round before
// such a step; native-stage.ts runs them. The bits do not depend on the thread (docs/arithmetic.md).

/**
 * Microseconds that the event loop may stand still for a step: long enough for a token of some billions of
 * weights, short enough that nobody who types or scrolls sees it, and a thirtieth of the silence after which
 * a neighbour is taken for frozen.
 */
const SHORT_US = 20_000
/**
 * Microseconds of other work of the loop per step, from which on it is better done beside the step: twice
 * what a token's own way takes where the weights have swept the caches. That is 1 ms of a Zen 5: with 1000
 * here a stage of 10 ms handed over most of its steps, and a token over two stages took 1 % longer.
 */
const BUSY_US = 2000
/** Steps over which that work is averaged; and those that are handed over before it is looked at again. */
const AVERAGED_STEPS = 16
const HANDED_STEPS = 200

export interface ShortStepsOptions {
  /** Whether the stage's threads have processors of their own, which the loop's has not. */
  isTied: boolean
  /** Milliseconds that the event loop has been busy, of no particular origin. */
  busyMs: () => number
}

export class ShortSteps {
  readonly #options: ShortStepsOptions
  /** Of the last step of one position. */
  #lastUs = Infinity
  /** Of the loop's other work per step. */
  #busyUs = 0
  #busyMs: number | null = null
  #toHand = 0

  constructor(options: ShortStepsOptions) {
    this.#options = options
  }

  /** Whether one more position is foretold to be short: a context grows, and a machine gets busy, slowly. */
  get isNext(): boolean {
    return !this.#options.isTied && this.#toHand === 0 && this.#lastUs <= SHORT_US
  }

  /** A step of one position is handed over. */
  handed(): void {
    this.#toHand = Math.max(0, this.#toHand - 1)
    this.#busyMs = null
  }

  /** One begins on the loop's thread. */
  begins(): void {
    if (this.#busyMs === null) return
    // One moment of much work, a collection of the heap say, counts no more than a busy one.
    const busyUs = Math.min(1000 * (this.#options.busyMs() - this.#busyMs), 2 * BUSY_US)
    this.#busyUs += (busyUs - this.#busyUs) / AVERAGED_STEPS
  }

  /** A step of one position took so long. */
  note(computeUs: number): void {
    this.#lastUs = computeUs
  }

  /** It did so on the loop's thread. */
  ran(computeUs: number): void {
    this.note(computeUs)
    this.#busyMs = this.#options.busyMs()
    if (this.#busyUs > BUSY_US) {
      this.#toHand = HANDED_STEPS
      this.#busyUs = 0
    }
  }
}

/**
 * Resolves when the loop has gone round. What waits for it comes before the next step on it: above all the
 * token before, which would be shown a step late.
 */
export async function loopRound(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
