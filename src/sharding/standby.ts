// Flow C, who takes over: for each stage one other peer with room for its layers besides its own, so that
// its loss costs a pause and not the session. Peers without a stage come first, since their memory waits
// anyway, then those that are no neighbour of the stage, so that one failure seldom takes both; then those
// with most room; who reads its own layers from disk has none. Measured speed has no say: its noise would
// move gigabytes. Pure; when they are loaded is node/layer-keeper.ts's, mirroring is not decided here.

import { contains } from '../model/layer-range.ts'
import { capacityKiB, holdingKiB, type Costs } from './cost.ts'
import { compareText } from './integer.ts'

import type { RouteStage } from '../wire/session.ts'
import type { ViewPeer } from './facts.ts'

/** @returns at most one per stage, in the order of the stages; none where nobody has room. */
export function chooseStandbys(
  costs: Costs,
  peers: readonly ViewPeer[],
  stages: readonly RouteStage[]
): RouteStage[] {
  const indexOf = new Map(stages.map(({ peer }, index) => [peer, index]))
  const roomKiB = new Map(
    peers.map((peer) => {
      const own = stages.filter((stage) => stage.peer === peer.key)
      return [peer.key, Math.max(0, capacityKiB(peer) - holdingKiB(costs, own))]
    })
  )
  const standbys: RouteStage[] = []
  const isTaken = (peer: ViewPeer) => standbys.some((standby) => standby.peer === peer.key)
  for (const [index, stage] of stages.entries()) {
    const { start, end } = stage
    const sizeKiB = costs.residentKiB(start, end)
    const able = peers.filter(
      (peer) =>
        peer.key !== stage.peer &&
        (roomKiB.get(peer.key) as number) >= sizeKiB &&
        (peer.pin === null || contains(peer.pin, stage))
    )
    const rank = (peer: ViewPeer) => {
      const own = indexOf.get(peer.key)
      // A peer serves one range of layers, so without a stage it can wait for one alone.
      if (own === undefined) return isTaken(peer) ? 3 : 0
      const distance = Math.abs(own - index)
      return distance === 1 || distance === stages.length - 1 ? 2 : 1
    }
    const [best] = able.toSorted(
      (a, b) =>
        rank(a) - rank(b) ||
        (roomKiB.get(b.key) as number) - (roomKiB.get(a.key) as number) ||
        compareText(a.key, b.key)
    )
    if (best === undefined) continue
    standbys.push({ peer: best.key, start, end })
    roomKiB.set(best.key, (roomKiB.get(best.key) as number) - sizeKiB)
  }
  return standbys
}
