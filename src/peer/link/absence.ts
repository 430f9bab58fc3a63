// Notices that this machine was away: a laptop whose lid was closed, a virtual machine that was paused, a
// process that was stopped. Pure. The monotonic clock may stand still meanwhile (Linux) or go on (others),
// the wall clock goes on everywhere; so whichever of the two has leapt counts. A person who sets the clock
// looks the same and costs a ping per link. What follows from an absence is network.ts's.

/** Away for so long, every neighbour has given us up: the most that a silence limit can be. */
export const AWAY_MS = 2000

export class Absence {
  #nowMs: number
  #wallMs: number

  constructor(nowMs: number, wallMs: number) {
    this.#nowMs = nowMs
    this.#wallMs = wallMs
  }

  /** To be called at every tick. @returns whether we were away since the last one. */
  tick(nowMs: number, wallMs: number): boolean {
    const awayMs = Math.max(nowMs - this.#nowMs, wallMs - this.#wallMs)
    this.#nowMs = nowMs
    this.#wallMs = wallMs
    return awayMs > AWAY_MS
  }
}
