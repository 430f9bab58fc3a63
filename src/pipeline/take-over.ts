// Flow B, the origin dies too, serving side: whether a session may get another origin here. Only when the
// old one is gone as this stage sees it, when it is not private, and with a newer epoch: then an origin that
// wakes up is the older one, and nobody can take an answer from a peer that is still there. Pure.

import { SwarmError } from '../base/errors.ts'
import { shortId } from '../wire/ids.ts'

import type { OpenMessage } from '../wire/session.ts'
import type { HostedSession } from './hosted-session.ts'

/**
 * @param sessions of one id on this stage, not all of them the sender's; none is without origin and private.
 * @returns why the sender of `open` does not get them; null: it does.
 */
export function takeOverRefusal(
  sessions: readonly HostedSession[],
  { epoch }: OpenMessage
): SwarmError | null {
  const held = sessions.find(({ orphanedMs }) => orphanedMs === null)
  if (held !== undefined) {
    const text = `the session is in use: ${shortId(held.origin)} answers it, and is linked here`
    return new SwarmError('PEER_REFUSED', text)
  }
  if (sessions.every(({ newestEpoch }) => newestEpoch < epoch)) return null
  return new SwarmError('PEER_REFUSED', 'another peer has attached to the session since: ask again')
}
