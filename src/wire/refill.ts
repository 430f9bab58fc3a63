// What a stage that is new to a session in mid-turn is given, so that it stands where the others stand:
// tokens that were chosen already, and outputs that the stage before it kept. Part of session.ts's messages.

import type { PeerId, SessionId } from './ids.ts'

/**
 * Origin to last stage, before the first ids of an epoch in mid-turn: tokens that the turn chose already,
 * for the penalties. Only where there are penalties.
 */
export interface SampledMessage {
  type: 'sampled'
  session: SessionId
  epoch: number
  ids: Int32Array
}

/** Origin to a stage: send the outputs of positions [position, end) again, to a next stage that is new. */
export interface ReplayMessage {
  type: 'replay'
  session: SessionId
  epoch: number
  /** Which stage of the route the receiver is. */
  index: number
  /** As of IdsMessage. */
  stop: number
  position: number
  end: number
}

/**
 * Origin to a stage of the route that runs: send the outputs of positions [position, end) to a peer that
 * warms up to take over from the next stage. The route goes on; what goes wrong is told with `toEpoch`.
 */
export interface WarmMessage {
  type: 'warm'
  session: SessionId
  /** Of the route that runs. */
  epoch: number
  /** Which stage of that route the receiver is. */
  index: number
  to: PeerId
  /** Of the session as `to` has opened it, and which stage of that route it is. */
  toEpoch: number
  toIndex: number
  /** As of IdsMessage, of that route. */
  stop: number
  position: number
  end: number
}
