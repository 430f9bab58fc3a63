// One line on standard error that says how far long work is: redrawn in place on a terminal, an
// occasional line of its own elsewhere, so that a log file does not fill with it.

import type { Clock } from '../base/clock.ts'

/** More often than ten times a second nobody reads, and each redraw costs the terminal. */
const REDRAW_MS = 100
const PLAIN_MS = 5000
const BAR_CELLS = 24

export class Progress {
  readonly #write: (text: string) => void
  readonly #clock: Clock
  readonly #live: boolean
  #lastMs = -Infinity
  #lastLabel = ''
  #drawn = false

  /** @param live whether lines may be redrawn in place. */
  constructor(write: (text: string) => void, clock: Clock, live: boolean) {
    this.#write = write
    this.#clock = clock
    this.#live = live
  }

  /** @param total 0 when the end is not known. */
  update(label: string, done = 0, total = 0): void {
    const nowMs = this.#clock.now()
    const finished = total > 0 && done >= total
    const due = nowMs - this.#lastMs >= (this.#live ? REDRAW_MS : PLAIN_MS)
    if (!due && !finished && label === this.#lastLabel) return
    this.#lastMs = nowMs
    this.#lastLabel = label
    if (this.#live) {
      this.#write(`\r\u001b[K${label}${bar(done, total)}`)
      this.#drawn = true
    } else this.#write(`${label}${percent(done, total)}\n`)
  }

  /** Removes the line, so that other output has a clean one. */
  clear(): void {
    if (this.#drawn) this.#write('\r\u001b[K')
    this.#drawn = false
    this.#lastLabel = ''
  }
}

function bar(done: number, total: number): string {
  if (total <= 0) return ' ...'
  const filled = Math.floor((BAR_CELLS * Math.min(done, total)) / total)
  return ` [${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}]${percent(done, total)}`
}

function percent(done: number, total: number): string {
  return total <= 0 ? '' : ` ${Math.floor((100 * Math.min(done, total)) / total)} %`
}
