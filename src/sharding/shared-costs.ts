// Flow C, what a route costs on which a token passes a peer several times: its stages share one memory, one
// accelerator and one disk. The disk goes round what is streamed of all of them, so while the token is
// elsewhere it reads for the next of its stages. Pure; whether that pays is rounds.ts's.

import { LAYER_PARTS } from '../model/layer-part.ts'
import {
  createCosts,
  diskPriceOf,
  holdingKiB,
  readTicks,
  toUs,
  type Costs,
  type Room
} from './cost.ts'
import { sumInTurn, sumOfParts } from './streamed-parts.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { RouteStage } from '../wire/session.ts'
import type { ViewPeer } from './facts.ts'

/** What a peer with several stages holds. */
interface Holding {
  sizeKiB: number
  /** Parts that it reads from disk for each token, ascending; null: it cannot hold these ranges. */
  streamed: number[] | null
  /** Ticks that its disk reads for one token. */
  diskTicks: number
}

/** Whether a token passes some peer more than once. */
export function hasRounds(stages: readonly RouteStage[]): boolean {
  return new Set(stages.map(({ peer }) => peer)).size < stages.length
}

/**
 * The same costs; of peers that have several of these stages, those of what they hold in all.
 * @param route the peers of the stages.
 */
export function costsOn(
  costs: Costs,
  route: readonly ViewPeer[],
  stages: readonly RouteStage[]
): Costs {
  if (!hasRounds(stages)) return costs
  const holdings = holdingsOf(costs, route, stages)
  const holdsKiB = (peer: ViewPeer, start: number, end: number) =>
    holdings.get(peer)?.sizeKiB ?? costs.residentKiB(start, end)
  // Many routes are priced for a token, few for a prompt.
  let known: Costs | null = null
  const inMemory = () => (known ??= createCosts(costs.model, holdsKiB))
  return {
    ...costs,
    memoryTicks: (peer, start, end) =>
      readTicks(peer, holdsKiB(peer, start, end), costs.activeKiB(start, end)),
    fits(peer, start, end) {
      const holding = holdings.get(peer)
      return holding === undefined ? costs.fits(peer, start, end) : holding.streamed !== null
    },
    chunkUs(peer, start, end, nTokens) {
      const holding = holdings.get(peer)
      if (holding === undefined) return costs.chunkUs(peer, start, end, nTokens)
      // One chunk at a time goes round, so the disk is as far ahead as for a token.
      const inTurn = sumInTurn(costs.partsKiB, within(holding.streamed, { start, end }))
      const inTurnUs = toUs(inTurn * diskPriceOf(peer))
      return Math.max(inMemory().chunkUs(peer, start, end, nTokens), inTurnUs)
    },
    headUs: (...stage) => inMemory().headUs(...stage),
    streamed(peer, range) {
      const holding = holdings.get(peer)
      return holding === undefined ? costs.streamed(peer, range) : within(holding.streamed, range)
    },
    diskTicks(peer, start, end) {
      const holding = holdings.get(peer)
      if (holding === undefined) return costs.diskTicks(peer, start, end)
      return holding.diskTicks
    }
  }
}

/** @param parts ascending. */
function within(parts: readonly number[] | null, { start, end }: LayerRange): number[] {
  if (parts === null) return []
  const [first, last] = [LAYER_PARTS * start, LAYER_PARTS * end]
  let from = 0
  while ((parts[from] ?? last) < first) from++
  let to = from
  while ((parts[to] ?? last) < last) to++
  return parts.slice(from, to)
}

function holdingsOf(
  costs: Costs,
  route: readonly ViewPeer[],
  stages: readonly RouteStage[]
): Map<Room, Holding> {
  const holdings = new Map<Room, Holding>()
  for (const peer of new Set(route)) {
    const ranges = stages.filter((stage) => stage.peer === peer.key)
    if (ranges.length < 2) continue
    const streamed = costs.streamedOf(peer, ranges)
    const diskTicks = sumOfParts(costs.partsKiB, streamed ?? []) * diskPriceOf(peer)
    holdings.set(peer, { sizeKiB: holdingKiB(costs, ranges), streamed, diskTicks })
  }
  return holdings
}
