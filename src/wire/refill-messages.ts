// The codecs of refill.ts, as those of session-messages.ts.

import { CHUNK_TOKENS_MAX } from '../base/limits.ts'
import * as f from './fields.ts'
import { checkStop, epoch, index, peer, position, session, stop } from './session-fields.ts'

import type { ReplayMessage, WarmMessage } from './refill.ts'

export const replay = f.checked(
  f.struct<Omit<ReplayMessage, 'type'>>({
    session,
    epoch,
    index,
    stop,
    position,
    end: position
  }),
  (message) => {
    checkReplay(message)
    checkStop(message.index + 1, message.stop)
  }
)

export const warm = f.checked(
  f.struct<Omit<WarmMessage, 'type'>>({
    session,
    epoch,
    index,
    to: peer,
    toEpoch: epoch,
    toIndex: index,
    stop,
    position,
    end: position
  }),
  (message) => {
    checkReplay(message)
    checkStop(message.toIndex, message.stop)
  }
)

/** @throws WIRE_BAD_FRAME when these are no positions, or more than one step takes. */
function checkReplay({ position, end }: { position: number; end: number }): void {
  const nTokens = end - position
  if (nTokens >= 1 && nTokens <= CHUNK_TOKENS_MAX) return
  throw f.badFrame(`a replay of ${nTokens} positions, not 1 to ${CHUNK_TOKENS_MAX}`)
}
