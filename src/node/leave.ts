// A planned leave: a peer says that it holds nothing any more while it still computes for the sessions of
// others, so that their origins fill other peers and change over before it goes. Owns how long it waits.

import type { Clock } from '../base/clock.ts'
import type { NodeParts } from './node-parts.ts'

/**
 * Long enough for another peer to load the layers and be filled with a long context; sessions that nobody
 * else can take have stopped here sooner or later. A second Ctrl-C does not wait.
 */
const LEAVE_MS = 10_000

/** Resolves when no session needs this peer, or after LEAVE_MS. */
export async function leave({ serving, network, hub }: NodeParts, clock: Clock): Promise<void> {
  if (serving === null || network === null) return
  const { host } = serving
  host.restrict([])
  if (host.sessions === 0) return
  network.publish({ model: null, profile: null, held: [], own: [], loading: null })
  hub.emit('leave', 'sessions of others move to other peers before this one goes')
  const patience = new AbortController()
  const timer = clock.after(LEAVE_MS, () => patience.abort())
  await host.idle(patience.signal).catch(() => {})
  timer.cancel()
}
