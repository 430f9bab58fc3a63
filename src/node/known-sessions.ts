// The sessions that this peer knows of: its own, and those that members within reach hold and do not keep
// private, each once, as whoever knows most of it sees it. Pure but for the asking.

import { nameOf } from './neighbours.ts'

import type { SessionStatus } from '../api/service.ts'
import type { PeerNetwork } from '../peer/network.ts'
import type { Sighting } from '../pipeline/inquiries.ts'
import type { OwnSession, Pipeline } from '../pipeline/pipeline.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'

/** Whom to ask about sessions: every linked peer, and this one. */
export function membersToAsk(network: Pick<PeerNetwork, 'links' | 'hops'>): PeerId[] {
  const near = network.links().filter(({ lane }) => lane !== null)
  return [network.hops.self, ...near.map(({ peer }) => peer)]
}

/** @param modelNameOf of a model id. */
export async function knownSessions(
  network: PeerNetwork,
  pipeline: Pipeline,
  modelNameOf: (id: string) => string
): Promise<SessionStatus[]> {
  const seen = await pipeline.inquiries.list(membersToAsk(network))
  const { self } = network.hops
  const named = (status: Omit<SessionStatus, 'originName' | 'self'>): SessionStatus => {
    const { origin } = status
    return { ...status, originName: nameOf(network, origin as PeerId), self: origin === self }
  }
  return mergeSessions(pipeline.ownSessions, seen, self, modelNameOf).map(named)
}

/** Youngest first. */
export function mergeSessions(
  own: readonly OwnSession[],
  seen: readonly Sighting[],
  self: PeerId,
  modelNameOf: (id: string) => string
): Omit<SessionStatus, 'originName' | 'self'>[] {
  const best = new Map<SessionId, Sighting>()
  for (const sighting of seen) {
    const known = best.get(sighting.session)
    if (known === undefined || knowsMore(sighting, known)) best.set(sighting.session, sighting)
  }
  for (const { session } of own) best.delete(session)
  const others = [...best.values()].map(({ session, origin, state, modelId, ...sighting }) => {
    const { promptTokens, tokens, ageMs } = sighting
    return { id: session, origin, state, model: modelNameOf(modelId), promptTokens, tokens, ageMs }
  })
  const ours = own.map(({ session, isAnswering, modelId, promptTokens, tokens, ageMs }) => {
    const state: SessionStatus['state'] = isAnswering ? 'answering' : 'kept'
    const model = modelNameOf(modelId)
    return { id: session, origin: self, state, model, promptTokens, tokens, ageMs }
  })
  return [...ours, ...others].toSorted((a, b) => a.ageMs - b.ageMs || (a.id < b.id ? -1 : 1))
}

/** An origin that one stage has given up may still answer on the others. */
function knowsMore(a: Sighting, b: Sighting): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch
  const isHeld = ({ state }: Sighting) => (state === 'orphan' ? 0 : 1)
  return isHeld(a) - isHeld(b) > 0 || (isHeld(a) === isHeld(b) && a.tokens > b.tokens)
}
