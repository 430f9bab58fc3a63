// Flow A, serving side: one step that is to be done for one session, with what may be drafted in it. Plain
// values; which step is due is hosted-session.ts, who runs it is step-runner.ts.

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
  arrivedMs: number
}

/** Behind the positions that are certain, whatever the sampler chooses. */
export function firmEnd({ position, nTokens, draft }: Omit<Work, 'kind' | 'arrivedMs'>): number {
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
