// Flow A, serving side, audit: what this stage says when the origin asks what its rows hashed to. It is
// looked up, not computed, so that the question costs next to nothing. Only the origin of the session gets an
// answer, and only where every row in question was computed here.

import type { AuditedMessage, AuditMessage } from '../wire/errands.ts'
import type { PeerId } from '../wire/ids.ts'
import type { SessionTable } from './session-table.ts'

/** @param from proven by the hop. */
export function auditAnswer(
  sessions: SessionTable,
  from: PeerId,
  { session: id, epoch, index, position }: AuditMessage
): AuditedMessage | null {
  const session = sessions.find(id, epoch, index)
  const claim = session?.origin === from ? session.trail?.at(position) : null
  return claim ? { type: 'audited', session: id, epoch, index, position, ...claim } : null
}
