// Flow A, serving side: how many positions of prompts a step may have. With nobody else here a whole chunk,
// which reads prompts fastest. While others decode so few that a step takes at most ADDED_MAX longer than one
// without prompts, as the steps before have shown: their tokens then come at more than half of their pace,
// whatever is read beside them, and prompts have what is left. Pure decisions from the times of steps;
// scheduler.ts asks, work.ts cuts the chunks. Bits do not depend on it (docs/arithmetic.md).

/**
 * Positions of prompts in one step: large enough that it is bound by arithmetic and not by reading weights,
 * small enough that whoever comes first while it runs waits for a second at most.
 */
export const PREFILL_CHUNK_TOKENS = 128
/** Prompts move on whatever it costs: by so many positions in a step. */
export const SHARED_CHUNK_TOKENS_MIN = 2

/** Of a step without prompts: the gap between tokens may double, and machines are not as even as medians. */
const ADDED_MAX = 0.75
/** A stream that has missed so many of its rounds is over, or asleep until its next turn. */
const ROUNDS_MISSED_MAX = 2
/** But a whole chunk of another stage, or here before it came, is no end of it. */
const SILENT_MS_MIN = 2000
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
  /** Those of its items that decode. */
  streams: readonly T[]
  /** Positions of prompts in it. */
  promptTokens: number
  /** Prompts waited when it began: other stages may have read them meanwhile, on the same machine. */
  promptsWaited: boolean
  startedMs: number
  tookMs: number
}

interface Stream {
  group: string
  atMs: number
  everyMs: number
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

  note({ group, streams, promptTokens, promptsWaited, startedMs, tookMs }: SharedStep<T>): void {
    for (const item of streams) {
      const before = this.#streams.get(item)
      const everyMs = before ? startedMs - before.atMs : 0
      this.#streams.set(item, { group, atMs: startedMs, everyMs })
    }
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

  /** @param waiting groups whose tokens wait for their step now. */
  tokensFor(group: string, waiting: readonly string[], nowMs: number): number {
    const groups = new Set([...waiting, ...this.#going(nowMs)])
    if (groups.size === 0) return PREFILL_CHUNK_TOKENS
    const plain = [...groups].flatMap((one) => leastOf(this.#costsOf(one).plainMs) ?? [])
    const { addedMs, lastTokens } = this.#costsOf(group)
    if (plain.length === 0 || addedMs === null) return SHARED_CHUNK_TOKENS_MIN
    const roomMs = ADDED_MAX * Math.min(...plain)
    const fitting = addedMs > 0 ? Math.floor(roomMs / addedMs) : PREFILL_CHUNK_TOKENS
    const most = Math.min(Math.ceil(GROWTH_MAX * lastTokens), PREFILL_CHUNK_TOKENS)
    return Math.max(SHARED_CHUNK_TOKENS_MIN, Math.min(fitting, most))
  }

  #going(nowMs: number): string[] {
    return [...this.#streams.values()].flatMap(({ group, atMs, everyMs }) => {
      const patienceMs = Math.max(ROUNDS_MISSED_MAX * everyMs, SILENT_MS_MIN)
      return nowMs - atMs <= patienceMs ? [group] : []
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
