// Flow A, serving side: which session pays when a stage has no room left. Pure; the stage host acts on it.
// Nobody may fill a stage for the others: who has most waiting pays for a full queue, who has done nothing
// for longest makes room for a newcomer, and who kept most outputs loses them.

import { KEPT_OUTPUT_BYTES_MAX, STAGE_QUEUE_BYTES_MAX, STEP_TIMEOUT_MS } from '../base/limits.ts'

import type { PeerId } from '../wire/ids.ts'
import type { HostedSession } from './hosted-session.ts'

/**
 * The session that goes when too many activations wait here, or null: of the origin that has most
 * waiting, the one with most.
 */
export function greediestOf(sessions: readonly HostedSession[]): HostedSession | null {
  let totalBytes = 0
  for (const { queuedBytes } of sessions) totalBytes += queuedBytes
  if (totalBytes <= STAGE_QUEUE_BYTES_MAX) return null
  const perOrigin = new Map<PeerId, number>()
  for (const { origin, queuedBytes } of sessions) {
    perOrigin.set(origin, (perOrigin.get(origin) ?? 0) + queuedBytes)
  }
  const ofOrigin = ({ origin }: HostedSession) => perOrigin.get(origin) ?? 0
  return sessions.reduce((a, b) => {
    return (ofOrigin(b) - ofOrigin(a) || b.queuedBytes - a.queuedBytes) > 0 ? b : a
  })
}

/**
 * Sessions to free so that so many bytes of caches and one place become free: those without an origin, then
 * the one idle for longest. None of these that moved within STEP_TIMEOUT_MS, because its origin may still
 * wait for it; and none at all when all of them together do not suffice.
 */
export function idleSessionsFor(
  sessions: readonly HostedSession[],
  shortBytes: number,
  nowMs: number
): HostedSession[] {
  const isIdle = ({ lastMs }: HostedSession) => nowMs - lastMs > STEP_TIMEOUT_MS
  const isOrphan = ({ orphanedMs }: HostedSession) => orphanedMs !== null
  const idle = sessions
    .filter((session) => !session.isRunning && (isOrphan(session) || isIdle(session)))
    .toSorted((a, b) => Number(isOrphan(b)) - Number(isOrphan(a)) || a.lastMs - b.lastMs)
  const freed: HostedSession[] = []
  let freedBytes = 0
  for (const session of idle) {
    if (freed.length > 0 && freedBytes >= shortBytes) break
    freed.push(session)
    freedBytes += session.cache.sizeBytes
  }
  return freedBytes >= shortBytes ? freed : []
}

/** The session that kept most, where all together keep more than a stage may; else null. */
export function keepsMostOf(sessions: readonly HostedSession[]): HostedSession | null {
  const keptOf = ({ kept }: HostedSession) => kept?.sizeBytes ?? 0
  const totalBytes = sessions.reduce((sum, session) => sum + keptOf(session), 0)
  if (totalBytes <= KEPT_OUTPUT_BYTES_MAX) return null
  return sessions.reduce((a, b) => (keptOf(b) > keptOf(a) ? b : a))
}
