// Which peers the overview lists, in which order, and which one is chosen. Pure; the reducer moves the
// choice along the same list that the view draws.

import { peerName } from './format.ts'

import type { TopPeer } from '../wire/top.ts'
import type { Model, Sort } from './model.ts'

export function shownPeers({ snapshot, filter, sort }: Model): TopPeer[] {
  const wanted = filter.toLowerCase()
  return (snapshot?.peers ?? [])
    .filter((peer) => `${peerName(peer)} ${peer.key}`.toLowerCase().includes(wanted))
    .toSorted((a, b) => compare(a, b, sort) || (a.key < b.key ? -1 : 1))
}

/** The chosen peer; the first of the list where the chosen one is gone. */
export function selectedPeer(model: Model): TopPeer | null {
  const peers = shownPeers(model)
  return peers.find(({ key }) => key === model.selected) ?? peers[0] ?? null
}

/** The key of the peer so many rows further down. */
export function neighbourOf(model: Model, step: number): string | null {
  const peers = shownPeers(model)
  const at = Math.max(
    0,
    peers.findIndex(({ key }) => key === model.selected)
  )
  return peers[Math.max(0, Math.min(peers.length - 1, at + step))]?.key ?? null
}

function compare(a: TopPeer, b: TopPeer, sort: Sort): number {
  switch (sort) {
    case 'layers':
      return (a.planned[0]?.start ?? Infinity) - (b.planned[0]?.start ?? Infinity) || 0
    case 'name':
      return peerName(a).localeCompare(peerName(b), 'en')
    case 'speed':
      return (b.stageTokensPerSecond?.value ?? 0) - (a.stageTokensPerSecond?.value ?? 0)
    case 'rtt':
      return (a.rttMs ?? -1) - (b.rttMs ?? -1)
  }
}
