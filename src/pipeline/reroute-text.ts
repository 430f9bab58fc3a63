// Flow B, recovery: what a person is told when an answer goes on over other peers. Pure; names are foreign
// text, cut here and made printable where they are shown.

import { groupBy } from '../base/group-by.ts'
import { formatRanges } from '../model/layer-range.ts'
import { sameStage } from './route.ts'

import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'

/**
 * `atlas is out; layers 10-19 go on over boron`: one sentence without a full stop.
 * @param nameOf what people call a peer.
 */
export function reroutedText(
  before: readonly RouteStage[],
  after: readonly RouteStage[],
  nameOf: (peer: PeerId) => string
): string {
  const lost = before.filter((stage) => !after.some((other) => sameStage(stage, other)))
  const taken = after.filter((stage) => !before.some((other) => sameStage(stage, other)))
  if (taken.length === 0) return 'the answer goes on over the same peers'
  const gone = lost.filter(({ peer }) => !after.some((other) => other.peer === peer))
  const heirs = [...groupBy(taken, ({ peer }) => peer)].map(
    ([peer, stages]) => `layers ${formatRanges(stages)} go on over ${nameOf(peer)}`
  )
  const on = heirs.join(', ')
  return gone.length === 0 ? on : `${listed(gone.map(({ peer }) => nameOf(peer)))} out; ${on}`
}

function listed(names: readonly string[]): string {
  const [first = '', ...others] = new Set(names)
  return others.length === 0 ? `${first} is` : `${[first, ...others].join(', ')} are`
}
