// How many things happened per second, of late: one bucket per second for the last minutes. Owns the
// buckets; adding is one addition, whatever the rate. The time is given, so nothing here waits.

/** Seconds remembered: what a wide screen shows at one column each. */
const SECONDS_MAX = 180
/** Seconds that "now" is: one alone would jump, more would lag behind what is seen. */
const NOW_SECONDS = 2

export class Rate {
  readonly #counts = new Float64Array(SECONDS_MAX)
  #second = 0
  #firstSecond: number | null = null

  /** @param nowMs never earlier than in the call before. */
  add(nowMs: number, count: number): void {
    this.#moveTo(nowMs)
    const at = this.#second % SECONDS_MAX
    this.#counts[at] = (this.#counts[at] as number) + count
  }

  /** Over the last two whole seconds and the running one. */
  perSecond(nowMs: number): number {
    this.#moveTo(nowMs)
    const runningPart = nowMs / 1000 - this.#second
    const counted = Array.from({ length: NOW_SECONDS + 1 }, (_, ago) => this.#count(ago))
    return counted.reduce((sum, count) => sum + count, 0) / (NOW_SECONDS + runningPart)
  }

  /** Of each whole second since the first call, oldest first. */
  history(nowMs: number): number[] {
    this.#moveTo(nowMs)
    const since = this.#second - (this.#firstSecond ?? this.#second)
    const length = Math.min(SECONDS_MAX - 1, since)
    return Array.from({ length }, (_, index) => this.#count(length - index))
  }

  #count(agoSeconds: number): number {
    const second = this.#second - agoSeconds
    return second < 0 ? 0 : (this.#counts[second % SECONDS_MAX] as number)
  }

  #moveTo(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    if (this.#firstSecond === null) {
      this.#firstSecond = second
      this.#second = second
    }
    const passed = Math.min(second - this.#second, SECONDS_MAX)
    for (let step = 1; step <= passed; step++) {
      this.#counts[(second - passed + step) % SECONDS_MAX] = 0
    }
    this.#second = Math.max(this.#second, second)
  }
}
