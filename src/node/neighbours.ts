// Who counts, for plans and for routes. Pure. Plans are made of all peers that are present, so that every
// peer makes the same one; a session needs peers that activations have a way to from here, and a peer
// that died without a word stays present for a while.

import type { PeerNetwork } from '../peer/network.ts'
import type { PeerId } from '../wire/ids.ts'
import type { PeerRecord } from '../wire/record.ts'

type Network = Pick<PeerNetwork, 'directory' | 'links'>

/** Records of the peers that are alive or suspect, this one included: most suspects refute. */
export function presentRecords({ directory }: Network): PeerRecord[] {
  return directory
    .peers()
    .filter(({ state }) => state === 'alive' || state === 'suspect')
    .map(({ record }) => record)
}

/** Of those, this peer's own and those within reach now. */
export function reachableRecords(network: Network, self: PeerId): PeerRecord[] {
  const near = network.links().filter(({ lane }) => lane !== null)
  const keys = new Set([self, ...near.map(({ peer }) => peer)])
  return presentRecords(network).filter(({ key }) => keys.has(key))
}

/** What people call a peer; foreign text. */
export function nameOf({ directory }: Network, peer: PeerId): string {
  return directory.get(peer)?.record.name ?? peer.slice(0, 8)
}
