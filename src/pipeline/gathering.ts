// Flow A, serving side: whether a stage waits a moment for tokens that are about to come. Weights are read
// once for all sessions of a step, so these go in groups that follow each other. Left to themselves they fall
// apart, since whoever arrives first at an idle stage goes alone. The first stage forms the groups
// (grouping.ts says how many), the others keep them: a frame says how many left with it. Pure decisions from
// the times of steps; the scheduler waits. Four sessions on two stages make 3.7 times the tokens of one then,
// and 3.1 without (simulated, test/pipeline/gathering.test.ts).

import { Grouping } from './grouping.ts'

/**
 * At most so much of a step's time is waited. The others of a group left the stage before in one step and
 * arrive within a tenth of a step; a wait for one that does not come costs no more than this.
 */
const WAIT_SHARE = 0.25
/** Timers are good for a millisecond: of steps that take less than four, nothing is waited for. */
const WAIT_MIN_MS = 1
/** Ranges of which the better way is remembered. */
const GROUPINGS_MAX = 16
/** A session that has missed so many of its rounds is over, or asleep until its next turn. */
const ROUNDS_MISSED_MAX = 2

/** Where a session's token is on its route. */
export interface Way {
  index: number
  nStages: number
  /** Other sessions whose tokens left the stage before in the same step. */
  company: number
}

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
  readonly #groupings = new Map<string, Grouping>()

  /** A step of these tokens, without prompts, has taken so long. */
  note(items: readonly T[], group: string, way: Way, atMs: number, tookMs: number): void {
    this.#stepMs.set(group, tookMs)
    for (const item of items) {
      const before = this.#seen.get(item)
      this.#seen.set(item, { group, atMs, everyMs: before ? atMs - before.atMs : 0 })
    }
    if (way.index > 0 || way.nStages < 2) return
    this.#groupingOf(group, way).note(items.length, this.#goingIn(group, atMs), atMs)
  }

  forget(item: T): void {
    this.#seen.delete(item)
    // The times of a range that nobody uses are of no use either; which way is better there stays true.
    if (this.#seen.size === 0) this.#stepMs.clear()
  }

  /**
   * @param ways of the tokens of this group that could begin a step now.
   * @returns how long to wait for more, in ms; 0: begin.
   */
  waitMs(group: string, ways: readonly Way[], nowMs: number): number {
    const [way] = ways
    const stepMs = this.#stepMs.get(group) ?? 0
    if (way === undefined || way.nStages < 2 || WAIT_SHARE * stepMs < WAIT_MIN_MS) return 0
    if (way.index > 0) {
      const nTogether = 1 + Math.max(...ways.map(({ company }) => company))
      return ways.length < nTogether ? WAIT_SHARE * stepMs : 0
    }
    const grouping = this.#groupingOf(group, way)
    const isEnough = ways.length >= grouping.groupOf(this.#goingIn(group, nowMs))
    return isEnough ? 0 : Math.max(WAIT_SHARE, grouping.mergingShare) * stepMs
  }

  #goingIn(group: string, nowMs: number): number {
    let nGoing = 0
    for (const seen of this.#seen.values()) {
      const missedMs = ROUNDS_MISSED_MAX * seen.everyMs
      if (seen.group === group && nowMs - seen.atMs <= missedMs) nGoing++
    }
    return nGoing
  }

  #groupingOf(group: string, { nStages }: Way): Grouping {
    const known = this.#groupings.get(group)
    if (known?.nStages === nStages) return known
    // A peer serves few ranges at a time; of those that are gone nothing is worth keeping.
    if (this.#groupings.size >= GROUPINGS_MAX) this.#groupings.clear()
    const fresh = new Grouping(nStages)
    this.#groupings.set(group, fresh)
    return fresh
  }
}
