// Flow A, serving side: whether a stage waits a moment for tokens that are about to come. Weights are read
// once for all sessions of a step, so on a route of k stages n sessions are fastest as k groups of n/k that
// follow each other. Left to themselves they fall apart, since whoever arrives first at an idle stage goes
// alone. Pure decisions from the times of steps; the scheduler waits. Four sessions on two stages make 3.7
// times the tokens of one then, and 3.1 without (simulated, test/pipeline/gathering.test.ts).

/**
 * At most so much of a step's time is waited. The others of a group left the stage before in one step and
 * arrive within a tenth of a step; a wait for one that does not come costs no more than this.
 */
const WAIT_SHARE = 0.25
/** Timers are good for a millisecond: of steps that take less than four, nothing is waited for. */
const WAIT_MIN_MS = 1
/** A session that has missed so many of its rounds is over, or asleep until its next turn. */
const ROUNDS_MISSED_MAX = 2

interface Seen {
  group: string
  /** When its last step began, and how long after the one before. */
  atMs: number
  everyMs: number
}

export class Gathering<T> {
  readonly #seen = new Map<T, Seen>()
  /** What the last step without prompts took, per group. */
  readonly #stepMs = new Map<string, number>()

  /** A step of these tokens, without prompts, has taken so long. */
  note(items: readonly T[], group: string, atMs: number, tookMs: number): void {
    this.#stepMs.set(group, tookMs)
    for (const item of items) {
      const before = this.#seen.get(item)
      this.#seen.set(item, { group, atMs, everyMs: before ? atMs - before.atMs : 0 })
    }
  }

  forget(item: T): void {
    this.#seen.delete(item)
    // The times of a range that nobody uses are of no use either.
    if (this.#seen.size === 0) this.#stepMs.clear()
  }

  /**
   * @param nWaiting tokens of this group that could begin a step now.
   * @param nStages stages that a token visits before it is back here.
   * @returns how long to wait for more, in ms; 0: begin.
   */
  waitMs(group: string, nWaiting: number, nStages: number, nowMs: number): number {
    if (nStages < 2) return 0
    const waitMs = WAIT_SHARE * (this.#stepMs.get(group) ?? 0)
    if (waitMs < WAIT_MIN_MS) return 0
    let nGoing = 0
    for (const seen of this.#seen.values()) {
      const missedMs = ROUNDS_MISSED_MAX * seen.everyMs
      if (seen.group === group && nowMs - seen.atMs <= missedMs) nGoing++
    }
    return nWaiting < Math.floor(nGoing / nStages) ? waitMs : 0
  }
}
