// Flow B: what goes wrong with a session, in words that name the peer, and whether another route can mend it.
// Pure; session-state.ts decides what follows.

import { SwarmError, errorFromPeer } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { describeStage } from './route.ts'

import type { FailedMessage, RouteStage } from '../wire/session.ts'
import type { Phase } from './session-types.ts'

const ERROR_TEXT_CHARS = 400

/** @throws STAGE_UNKNOWN_SESSION, PEER_BUSY where no turn can begin. */
export function checkIdle(phase: Phase): void {
  if (phase === 'ended' || phase === 'closing') {
    throw new SwarmError('STAGE_UNKNOWN_SESSION', 'the session is over: start a new one')
  }
  if (phase !== 'idle') {
    throw new SwarmError('PEER_BUSY', 'the session still answers: wait, or start another')
  }
}

/** What a stage reported. */
export function failureOf(
  stage: RouteStage,
  { code, text, peer, place }: FailedMessage
): SwarmError {
  const said = clip(text, ERROR_TEXT_CHARS)
  // That a peer is gone is about another than the one who says it.
  const isOther = code === 'PEER_GONE'
  const whole = isOther
    ? `${said} (said ${shortId(stage.peer)})`
    : `${describeStage(stage)}: ${said}`
  return errorFromPeer(code, whole, { ...(peer && { peer }), ...(place && { place }) })
}

/** These stages said nothing for too long. */
export function silenceOf(stages: readonly RouteStage[], isOpening: boolean): SwarmError {
  const who = stages.map(describeStage).join(', ')
  const what = isOpening ? 'did not open the session' : 'made no progress'
  const text = `${who} ${what} in time: ask again, or look at that machine`
  return new SwarmError('PEER_TIMEOUT', text)
}

/** A stage sent what was not due. */
export function violationOf(from: PeerId, what: string): SwarmError {
  const text = `${shortId(from)} sent ${what} out of order: ask again`
  return new SwarmError('STAGE_POSITION_GAP', text)
}

/** A stage is asked for a session that it has not. */
export function unknownSession(): SwarmError {
  const text = 'the session is not held here, or was idle for too long: start it again'
  return new SwarmError('STAGE_UNKNOWN_SESSION', text)
}

/** Whether another route may help: not where every machine computes the same fault, or another peer won. */
export function isRepairable({ code, family }: SwarmError): boolean {
  const isFinal = code === 'STAGE_NOT_FINITE' || code === 'WIRE_VERSION' || code === 'PEER_REFUSED'
  if (isFinal) return false
  return family === 'PEER' || family === 'STAGE' || family === 'NATIVE' || family === 'WIRE'
}
