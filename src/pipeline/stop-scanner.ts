// Flow B, the end of a text: finds stop strings in text that arrives in pieces. Text that could still
// become a stop string is held back until the next piece decides, so that no part of one is ever shown.
// The earliest end wins: of two stop strings the one whose last character comes first.

export interface Scanned {
  /** Text that is certain now. */
  text: string
  /** A stop string was found behind it; nothing more will come. */
  isStopped: boolean
}

export class StopScanner {
  readonly #stops: readonly string[]
  #held = ''

  /** @param stops empty strings stop nothing. */
  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((stop) => stop !== '')
  }

  push(piece: string): Scanned {
    const text = this.#held + piece
    let endsAt = Infinity
    let startsAt = text.length
    for (const stop of this.#stops) {
      const start = text.indexOf(stop)
      if (start < 0) continue
      const end = start + stop.length
      // Of two that end together the longer one starts first and hides more.
      if (end < endsAt || (end === endsAt && start < startsAt)) [endsAt, startsAt] = [end, start]
    }
    if (endsAt < Infinity) {
      this.#held = ''
      return { text: text.slice(0, startsAt), isStopped: true }
    }
    const heldFrom = text.length - this.#undecided(text)
    this.#held = text.slice(heldFrom)
    return { text: text.slice(0, heldFrom), isStopped: false }
  }

  /** What was held back, when nothing more will come. */
  end(): string {
    const text = this.#held
    this.#held = ''
    return text
  }

  /** Length of the longest end of the text that begins a stop string. */
  #undecided(text: string): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length
      }
    }
    return longest
  }
}
