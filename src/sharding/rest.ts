// Flow C, the search: what the last layers of a model take at least, whoever of some peers has them, cut
// anywhere, what is read in the fastest memory: so a split (split.ts) need not go on from where it cannot
// become better than what is known. Pure.

import { lessRounding, risingPrices } from './bound.ts'

import type { Costs } from './cost.ts'
import type { ViewPeer } from './facts.ts'

/**
 * @param peers of those that were given.
 * @returns (nLayers + 1,) ticks of [layer, nLayers); Infinity where these peers have no room.
 */
export type RestTicks = (peers: ReadonlySet<ViewPeer>) => Float64Array

/** @param hopTicks of one more stage, whoever has it. */
export function createRest(costs: Costs, hopTicks: number, peers: readonly ViewPeer[]): RestTicks {
  const { nLayers } = costs
  const tiers = peers.flatMap((peer) =>
    risingPrices(costs.memories(peer)).map((memory) => ({ peer, ...memory }))
  )
  tiers.sort((a, b) => a.price - b.price)
  const upToKiB = Array.from({ length: nLayers }, (_, layer) => costs.activeKiB(layer, nLayers))
  const layerKiB = upToKiB.map((sizeKiB, layer) => sizeKiB - (upToKiB[layer + 1] ?? 0))

  return (some) => {
    const rest = new Float64Array(nLayers + 1)
    let roomKiB = 0
    let price = 0
    let next = 0
    let ticks = 0
    for (let layer = nLayers - 1; layer >= 0; layer--) {
      let readKiB = layerKiB[layer] as number
      while (readKiB > roomKiB && next < tiers.length) {
        const tier = tiers[next++] as (typeof tiers)[0]
        if (!some.has(tier.peer)) continue
        ticks += roomKiB * price
        readKiB -= roomKiB
        roomKiB = tier.sizeKiB
        price = tier.price
      }
      if (readKiB > roomKiB) {
        rest.fill(Infinity, 0, layer + 1)
        break
      }
      ticks += readKiB * price
      roomKiB -= readKiB
      rest[layer] = lessRounding(ticks) + hopTicks
    }
    return rest
  }
}
