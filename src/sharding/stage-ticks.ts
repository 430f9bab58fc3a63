// Flow C, what a token takes in every stage that one peer could have: the searches compare tens of thousands
// of them and ask for the same ones again and again, so what was asked is known. One class for all kinds of
// peers, so that asking becomes a load and no call, which would make garbage of each answer. Pure; what
// memory costs is cost.ts's, what a disk adds to it streamed-stages.ts's.

/** Ticks of layers [start, end), of which there is one at least. */
export type Price = (start: number, end: number) => number

/** Of one peer. */
export class StageTicks {
  /** Whether the ticks of a stage are the sum of those of its layers. */
  readonly isSum: boolean
  readonly #price: Price
  readonly #priceLeast: Price | null
  /** At indexOf(start, end); 0: not asked yet, negative: so many at least. 4 MiB with LAYERS_MAX layers. */
  readonly #known: Float64Array

  /** @param priceLeast no more than the price and cheaper to work out; null: the price is cheap. */
  constructor(nLayers: number, isSum: boolean, price: Price, priceLeast: Price | null = null) {
    this.isSum = isSum
    this.#price = price
    this.#priceLeast = priceLeast
    this.#known = new Float64Array(indexOf(0, nLayers + 1))
  }

  /** Ticks of one token; of layers from disk nearly: what a route really waits is disk-waits.ts's. */
  of(start: number, end: number): number {
    const at = indexOf(start, end)
    if ((this.#known[at] as number) <= 0) this.#known[at] = this.#price(start, end)
    return this.#known[at] as number
  }

  /** No more than that, and cheap to know: enough to see that a stage is no better than another way. */
  least(start: number, end: number): number {
    const at = indexOf(start, end)
    if (this.#known[at] === 0) this.#askLeast(start, end)
    return Math.abs(this.#known[at] as number)
  }

  #askLeast(start: number, end: number): void {
    const at = indexOf(start, end)
    if (this.#priceLeast === null) this.#known[at] = this.#price(start, end)
    else this.#known[at] = -this.#priceLeast(start, end)
  }
}

/** Of each end as many stages as layers before it. */
function indexOf(start: number, end: number): number {
  return ((end * (end - 1)) >> 1) + start
}
