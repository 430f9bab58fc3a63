// Who is how far away, as this peer measures it: one branch per peer with the lane and its round trip, and
// the ring that activations go round. What other peers measure among themselves is not known here. Pure.

import { formatMs, nameOf } from '../format.ts'
import { row, span, type Row } from '../style.ts'

import type { TopPeer, TopSnapshot } from '../../wire/top.ts'

export function topology(snapshot: TopSnapshot, width: number, height: number): Row[] {
  const { peers, plan } = snapshot
  const others = peers
    .filter(({ isSelf }) => !isSelf)
    .toSorted((a, b) => (a.rttMs ?? Infinity) - (b.rttMs ?? Infinity) || (a.key < b.key ? -1 : 1))
  const ring = plan?.stages.map(({ peer }) => nameOf(snapshot, peer)) ?? []
  const ringRows = ring.length > 1 ? [row(` ring ${[...ring, ring[0]].join(' > ')}`, 'faint')] : []
  const room = Math.max(1, height - 1 - ringRows.length)
  const shown = others.length > room ? others.slice(0, room - 1) : others
  const hidden = others.length - shown.length
  const self = peers.find(({ isSelf }) => isSelf)
  const more = hidden > 0 ? [row(` \u2514\u2500 ... and ${hidden} more`, 'faint')] : []
  return [
    row(` ${self === undefined ? 'this peer' : nameOf(snapshot, self.key)}*`),
    ...shown.map((peer, index) =>
      branch(peer, nameOf(snapshot, peer.key), index === shown.length - 1 && hidden === 0)
    ),
    ...(others.length === 0 ? [row(' nobody else is here yet', 'faint')] : more),
    ...ringRows
  ].slice(0, width > 0 ? height : 0)
}

function branch(peer: TopPeer, name: string, isLast: boolean): Row {
  const { lane, rttMs, state } = peer
  const trip = rttMs === null ? '-' : `${formatMs(rttMs)} ms`
  const stem = isLast ? '\u2514' : '\u251c'
  const how = lane === null ? 'no link' : `${lane} ${trip}`
  return [
    span(` ${stem}\u2500 `, 'faint'),
    span(how.padEnd(13), lane === null ? 'bad' : lane === 'udx' ? 'warning' : 'good'),
    span(` \u2500 ${name}${state === 'alive' ? '' : ` (${state})`}`)
  ]
}
