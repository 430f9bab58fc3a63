// The peer that runs for the data directory, for commands that work without one too: what it says, or
// that nobody is there. A peer that is there but does not answer is neither.

import { SwarmError } from '../base/errors.ts'
import { clientOf, type CommandContext } from './context.ts'

import type { ApiClient } from '../api/client.ts'
import type { PeerStatus } from '../api/service.ts'

/** @returns null without a running peer. @throws whatever else the peer answers. */
export async function ask<T>(
  context: CommandContext,
  question: (client: ApiClient) => Promise<T>
): Promise<T | null> {
  try {
    return await question(clientOf(context))
  } catch (error) {
    if (error instanceof SwarmError && error.code === 'PEER_NOT_RUNNING') return null
    throw error
  }
}

/** The peers that the running peer is linked to; none without one, and none of one that does not answer. */
export async function linkedPeers(context: CommandContext): Promise<PeerStatus[]> {
  const { signal, terminal } = context
  try {
    const peers = await ask(context, (client) => client.peers(signal))
    return (peers ?? []).filter(({ self, lane }) => !self && lane !== null)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof SwarmError)) throw error
    terminal.note(error.message)
    return []
  }
}
