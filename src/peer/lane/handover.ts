// From one way to another in the middle of a session, without losing or reordering a frame. Pure: what
// has been said and heard on both ways, and what follows from it; lane-slot.ts carries it out.
//
//   lower key: says 'end' on the old way and 'after-*' on the new one, and sends on the new one
//   upper key: has heard both: says 'end' on the old way, and sends on the new one
//   lower key: has heard that 'end': nothing is under way on the old one any more, and it is closed
//
// Whoever waits for an 'end' reads nothing of the new way meanwhile, so the order is that of sending and
// nothing is kept in memory for it. Moves are numbered, because what was said of one that came to
// nothing may still be on its way.

/** A lane, or the link itself. */
export type Way = object

export type HandoverStep<W extends Way> =
  | { type: 'wait' }
  | { type: 'switch'; from: W; to: W; move: number }
  | { type: 'done'; from: W; to: W }

export class Handover<W extends Way> {
  readonly #lowerKey: boolean
  #from: W | null = null
  #to: W | null = null
  #move = 0
  /** The way whose frames have ended, as far as the peer is concerned, and by which move. */
  #ended: { way: W; move: number } | null = null
  #waitedMs = 0

  constructor(lowerKey: boolean) {
    this.#lowerKey = lowerKey
  }

  /** Whether a change is under way. */
  get isOpen(): boolean {
    return this.#to !== null
  }

  get from(): W | null {
    return this.#from
  }

  get to(): W | null {
    return this.#to
  }

  /** Whether the loss of this way may have cost frames. */
  involves(way: W): boolean {
    return way === this.#from || way === this.#to
  }

  /** Whether the peer said that nothing follows on it. */
  hasEnded(way: W): boolean {
    return way === this.#ended?.way
  }

  /** Lower key: it is to say 'end' and 'after-*' with this number. */
  get nextMove(): number {
    return (this.#move + 1) >>> 0
  }

  /** Lower key: it has said 'end' and 'after-*'. Upper key: it has heard 'after-*'. */
  begin(from: W, to: W, move: number): HandoverStep<W> {
    this.#from = from
    this.#to = to
    this.#move = move
    this.#waitedMs = 0
    return this.#step()
  }

  /** 'end' was heard. */
  end(way: W, move: number): HandoverStep<W> {
    this.#ended = { way, move }
    return this.#step()
  }

  /** @returns how long the change has been under way. */
  tick(listenedMs: number): number {
    this.#waitedMs = this.isOpen ? this.#waitedMs + listenedMs : 0
    return this.#waitedMs
  }

  /** A way was lost, or chosen afresh: whatever was said of earlier ones means nothing any more. */
  reset(): void {
    this.#from = null
    this.#to = null
    this.#ended = null
  }

  #step(): HandoverStep<W> {
    const [from, to] = [this.#from, this.#to]
    const isEnded = this.#ended?.way === from && this.#ended?.move === this.#move
    if (from === null || to === null || !isEnded) return { type: 'wait' }
    this.reset()
    return this.#lowerKey
      ? { type: 'done', from, to }
      : { type: 'switch', from, to, move: this.#move }
  }
}
