// Flow A, serving side: how many positions of prompts a step may have. With nobody else here a whole chunk,
// which reads prompts fastest. While others decode so few that no token waits longer than WAIT_SHARE of a
// step without prompts, as the steps before have shown: with tokens in it a step takes that much longer at
// most, and one without them ends so long after the next token is expected back, or is not begun. Tokens then
// come at more than half of their pace, whatever is read beside them, and prompts have what is left. Pure
// decisions from the times of steps; scheduler.ts asks, work.ts cuts. Bits do not depend on it
// (docs/arithmetic.md).

/** Prompts move on whatever it costs: by so many positions in a step. */
export const SHARED_CHUNK_TOKENS_MIN = 2

/** Of a step without prompts: the gap between tokens may double, and machines are not as even as medians. */
const WAIT_SHARE = 0.75
/** Times that a stream was away of which the shortest is expected next. */
const AWAYS = 4
/** A stream that stays away for so many times the longest of them is waited for no more. */
const LATE_FACTOR = 2
/** Until then it is still counted as one that may come back: another stage may be reading a whole chunk. */
const SILENT_MS_MIN = 1000
/** Steps without prompts of which the quickest is what one takes: whoever else uses the machine only adds. */
const PLAIN_STEPS = 8
/** So many steps with prompts are followed by one without, where streams wait: what it takes changes. */
const SHARED_STEPS_MAX = 32
/** Weight of the newest step in what a position costs. */
const NEWEST_WEIGHT = 0.2
/** So much more than in the step before: what a position costs in small steps is not known from smaller. */
const GROWTH_MAX = 1.5

/** A step that has run. */
export interface SharedStep<T> {
  group: string
  /** Those of its items that decode, and of these who waits again already. */
  streams: readonly T[]
  back: readonly T[]
  /** Positions of prompts in it. */
  promptTokens: number
  /** Prompts waited when it began: other stages may have read them meanwhile, on the same machine. */
  promptsWaited: boolean
  startedMs: number
  tookMs: number
}

/** What the next step may have: positions of prompts, or nothing before `holdMs` have passed. */
export type Share = { promptTokens: number; holdMs: 0 } | { promptTokens: 0; holdMs: number }

interface Stream {
  group: string
  /** When its last step ended; null: it waits for one, or is in one. */
  awayMs: number | null
  /** How long it was away the last times. */
  aways: number[]
}

/** What steps of one range of layers take. */
interface Costs {
  plainMs: number[]
  /** What one position of a prompt adds to a step; null: none was seen. */
  addedMs: number | null
  /** Positions of the last step with prompts. */
  lastTokens: number
  /** Steps with prompts since the last one without. */
  nShared: number
}

export class PromptShare<T> {
  readonly #streams = new Map<T, Stream>()
  readonly #costs = new Map<string, Costs>()
  readonly #chunkTokens: () => number

  /** @param chunkTokens positions of a whole chunk, as long as this stage is what it is. */
  constructor(chunkTokens: () => number) {
    this.#chunkTokens = chunkTokens
  }

  /** A token of this item waits for its step. */
  arrived(item: T, nowMs: number): void {
    const stream = this.#streams.get(item)
    if (stream === undefined || stream.awayMs === null) return
    stream.aways = [...stream.aways.slice(1 - AWAYS), nowMs - stream.awayMs]
    stream.awayMs = null
  }

  note(step: SharedStep<T>): void {
    const { group, streams, back, promptTokens, promptsWaited, startedMs, tookMs } = step
    const endMs = startedMs + tookMs
    for (const item of streams) {
      const { aways } = this.#streams.get(item) ?? { aways: [] }
      this.#streams.set(item, { group, awayMs: endMs, aways })
    }
    for (const item of back) this.arrived(item, endMs)
    const costs = this.#costsOf(group)
    if (promptTokens === 0) {
      if (promptsWaited && !this.isPlainDue(group)) return
      costs.plainMs = [...costs.plainMs.slice(1 - PLAIN_STEPS), tookMs]
      costs.nShared = 0
      return
    }
    const addedMs = (tookMs - (leastOf(costs.plainMs) ?? 0)) / promptTokens
    costs.addedMs ??= addedMs
    costs.addedMs += NEWEST_WEIGHT * (addedMs - costs.addedMs)
    costs.lastTokens = promptTokens
    costs.nShared++
  }

  forget(item: T): void {
    this.#streams.delete(item)
  }

  /** Whether tokens that wait go without prompts now, so that it is known what that takes. */
  isPlainDue(group: string): boolean {
    const { plainMs, nShared } = this.#costsOf(group)
    return plainMs.length === 0 || nShared >= SHARED_STEPS_MAX
  }

  /** For a step of this group that has tokens in it. */
  besideTokens(group: string): number {
    const { plainMs } = this.#costsOf(group)
    return this.#fitting(group, WAIT_SHARE * (leastOf(plainMs) ?? 0))
  }

  /** For one of prompts alone. */
  withoutTokens(group: string, nowMs: number): Share {
    const going = this.#going(nowMs)
    if (going.length === 0) return { promptTokens: this.#chunkTokens(), holdMs: 0 }
    let roomMs = Infinity
    let lateMs = Infinity
    for (const { group: of, awayMs, aways } of going) {
      const isKnown = aways.length > 0
      const late = awayMs + LATE_FACTOR * (isKnown ? Math.max(...aways) : 0)
      const dueMs = Math.max(nowMs, awayMs + (leastOf(aways) ?? 0))
      const stepMs = leastOf(this.#costsOf(of).plainMs) ?? 0
      roomMs = Math.min(roomMs, dueMs - nowMs + WAIT_SHARE * stepMs)
      if (late > nowMs) lateMs = Math.min(lateMs, late)
    }
    const { plainMs, addedMs } = this.#costsOf(group)
    roomMs -= leastOf(plainMs) ?? 0
    if (roomMs < (addedMs ?? 0) && lateMs < Infinity) {
      return { promptTokens: 0, holdMs: lateMs - nowMs }
    }
    return { promptTokens: this.#fitting(group, roomMs), holdMs: 0 }
  }

  #fitting(group: string, roomMs: number): number {
    const { addedMs, lastTokens } = this.#costsOf(group)
    if (addedMs === null) return SHARED_CHUNK_TOKENS_MIN
    const most = Math.min(Math.ceil(GROWTH_MAX * lastTokens), this.#chunkTokens())
    const fitting = addedMs > 0 ? Math.floor(roomMs / addedMs) : most
    return Math.max(SHARED_CHUNK_TOKENS_MIN, Math.min(fitting, most))
  }

  /** Streams that are expected back. */
  #going(nowMs: number): (Stream & { awayMs: number })[] {
    return [...this.#streams.values()].flatMap(({ group, awayMs, aways }) => {
      if (awayMs === null) return []
      const patienceMs = Math.max(LATE_FACTOR * Math.max(0, ...aways), SILENT_MS_MIN)
      return nowMs - awayMs <= patienceMs ? [{ group, awayMs, aways }] : []
    })
  }

  #costsOf(group: string): Costs {
    let costs = this.#costs.get(group)
    if (costs === undefined) {
      costs = { plainMs: [], addedMs: null, lastTokens: SHARED_CHUNK_TOKENS_MIN, nShared: 0 }
      this.#costs.set(group, costs)
    }
    return costs
  }
}

function leastOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.min(...values)
}
