// Flow A, serving side: one step that is to be done for one session, with what may be drafted in it, and how
// a chunk of a prompt becomes several steps. Plain values; which step is due is hosted-session.ts, who runs
// it is step-runner.ts.

import { SwarmError } from '../base/errors.ts'

import type { OpenMessage } from '../wire/session.ts'
import type { WorkKind } from './scheduler.ts'

/** One step to do: consecutive positions that have arrived. */
export interface Work {
  kind: WorkKind
  position: number
  nTokens: number
  /** (nTokens,) at the first stage. */
  ids: Int32Array | null
  /** f32 (nTokens, dim) at the others: a view into the frame it came in. */
  input: Uint8Array | null
  /** (nTokens - 1,) guessed ids of all positions but the first; null: all are certain. */
  draft: Int32Array | null
  sample: boolean
  /** Index of the stage at which these positions end. */
  stop: number
  /** Other sessions' work that left the stage before in the same step. */
  company: number
  /** Positions of the same frame that earlier steps had, and that later ones will have. */
  before: number
  after: number
  arrivedMs: number
}

/** As it comes in a frame. */
export type Arrival = Omit<Work, 'kind' | 'before' | 'after' | 'arrivedMs'>

/** As much of a prompt as one step may have, and the rest of it; null: that is all. */
export function cutWork(work: Work, most: number): { now: Work; rest: Work | null } {
  const { kind, nTokens, ids, input, position, before, after } = work
  if (kind === 'decode' || nTokens <= most) return { now: work, rest: null }
  const edge = ((input?.byteLength ?? 0) / nTokens) * most
  const nLeft = nTokens - most
  const now: Work = {
    ...work,
    nTokens: most,
    ids: ids?.subarray(0, most) ?? null,
    input: input?.subarray(0, edge) ?? null,
    after: after + nLeft
  }
  const rest: Work = {
    ...work,
    position: position + most,
    nTokens: nLeft,
    ids: ids?.subarray(most) ?? null,
    input: input?.subarray(edge) ?? null,
    before: before + most
  }
  return { now, rest }
}

/** Behind the positions that are certain, whatever the sampler chooses. */
export function firmEnd({
  position,
  nTokens,
  draft
}: Pick<Work, 'position' | 'nTokens' | 'draft'>): number {
  return position + (draft === null ? nTokens : 1)
}

/** Its certain position alone. */
export function withoutDraft(work: Work): Work {
  const { ids, input, nTokens } = work
  return {
    ...work,
    nTokens: 1,
    ids: ids?.subarray(0, 1) ?? null,
    input: input?.subarray(0, input.byteLength / nTokens) ?? null,
    draft: null
  }
}

/**
 * What plain decoding would not have computed must not end an answer, or outgrow it.
 * @throws WIRE_BAD_FRAME
 */
export function checkDraft(
  { speculates, stopIds, positionEnd }: OpenMessage,
  position: number,
  draft: Int32Array
): void {
  // Right throughout, it gives one token more than it has ids, and that one has room too.
  const isLate = position + draft.length + 1 >= positionEnd
  if (speculates && !isLate && !draft.some((id) => stopIds.includes(id))) return
  const text = `a draft of ${draft.length} tokens at position ${position} is not allowed here`
  throw new SwarmError('WIRE_BAD_FRAME', text)
}
