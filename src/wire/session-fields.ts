// Fields that several session messages have, with their widths and bounds, and what must hold between them.

import { CONTEXT_TOKENS_MAX, ROUTE_STAGES_MAX } from '../base/limits.ts'
import * as f from './fields.ts'

import type { PeerId, SessionId } from './ids.ts'

export const U32_MAX = 2 ** 32 - 1

export const session = f.hex<SessionId>(16, 'the session id')
export const epoch = f.whole(4, 1, U32_MAX, 'the epoch')
export const position = f.whole(4, 0, CONTEXT_TOKENS_MAX, 'the position')
export const index = f.whole(1, 0, ROUTE_STAGES_MAX - 1, 'the index in the route')
export const stop = f.whole(1, 0, ROUTE_STAGES_MAX - 1, 'the last stage of a chunk')
export const peer = f.hex<PeerId>(32, 'the peer key')

/** @throws WIRE_BAD_FRAME when positions [position, position + nTokens) exceed every context. */
export function checkSpan(position: number, nTokens: number): void {
  const end = position + nTokens
  if (end <= CONTEXT_TOKENS_MAX) return
  throw f.badFrame(`positions ${position} to ${end} are beyond ${CONTEXT_TOKENS_MAX}`)
}

/** @throws WIRE_BAD_FRAME when a chunk ends before the stage that it is sent to. */
export function checkStop(index: number, stop: number): void {
  if (index <= stop) return
  throw f.badFrame(`a chunk for stage ${index} ends at stage ${stop}`)
}
