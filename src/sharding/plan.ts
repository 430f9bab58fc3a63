// Flow C, the decision: who holds which layers, as a pure function of a view. Every peer computes it
// for itself and gets the same bytes, in whatever order the news arrived. The lowest predicted time of one
// token (search.ts), unless what is held already is nearly as fast (incumbent.ts).
// Deliberately not here: who holds what already (coverage.ts), and moving it (node.ts).

import { SwarmError } from '../base/errors.ts'
import { formatSize } from '../base/text.ts'
import { layersOf } from '../model/layer-part.ts'
import { formatRange, type LayerRange } from '../model/layer-range.ts'
import { capacityKiB, createCosts, type Costs } from './cost.ts'
import { sessionsOf, type ModelFacts, type Reserve, type View, type ViewPeer } from './facts.ts'
import { createHops } from './hops.ts'
import { preferHeld } from './incumbent.ts'
import { floorDiv, hashOf } from './integer.ts'
import { predict, type Prediction } from './predict.ts'
import { costsOn } from './shared-costs.ts'
import { chooseStandbys } from './standby.ts'
import { searchMemory, searchWithDisks } from './stream.ts'
import { sumOfParts } from './streamed-parts.ts'
import { isPlannable, viewHash } from './view.ts'

import type { PeerId } from '../wire/ids.ts'
import type { RouteStage } from '../wire/session.ts'

export interface Plan {
  /** Covers [0, nLayers) exactly; empty when there is a gap. Of one peer several where disks read. */
  stages: RouteStage[]
  /** For a stage, who else has room for its layers and takes over; none where nobody has. */
  standbys: RouteStage[]
  /** What a peer reads from disk for each token; in no hash: the stages tell it. */
  streamed: Streamed[]
  predicted: Prediction | null
  /** Peers of the view that hold nothing in this plan, by key, with a sentence for the user. */
  leftOut: { peer: PeerId; reason: string }[]
  /** The layers that nobody has room for, when there is no plan. */
  gap: LayerRange[]
  /** What every stage keeps free for keys and values: what was declared, or the usual where that fits not. */
  reserve: Reserve
  /** 64 hex digits over model, stages, standbys and gap: plans that agree have equal hashes. */
  hash: string
  viewHash: string
}

/** What one peer reads from disk for each token. */
export interface Streamed {
  peer: PeerId
  /** How many parts of layers (model/layer-part.ts), of how many layers. */
  parts: number
  layers: number
  sizeKiB: number
}

/**
 * @throws PLAN_NO_CAPACITY when the model is larger than any plan may be.
 */
export function computePlan(view: View): Plan {
  const { model, peers, usual } = view
  const hash = viewHash(view)
  if (usual === undefined) return planOf(model, peers, hash, searchWithDisks)
  const declared = isPlannable(model) ? planOf(model, peers, hash, searchMemory) : null
  // A wish that nobody can meet, or one made to be in the way, must not keep the model from being served,
  // nor send its layers to disk.
  if (declared !== null && declared.gap.length === 0) return declared
  return planOf({ ...model, ...usual }, peers, hash, searchWithDisks)
}

function planOf(
  model: ModelFacts,
  peers: ViewPeer[],
  viewHashText: string,
  search: typeof searchWithDisks
): Plan {
  if (!isPlannable(model)) {
    throw new SwarmError('PLAN_NO_CAPACITY', 'the sizes of this model are beyond every plan')
  }
  const hops = createHops(model, peers)
  const { best, boundTicks, costs } = search(createCosts(model), hops, peers)
  const chosen = preferHeld(costs, hops, peers, best)
  const { missing } = chosen
  const isWhole = missing.length === 0
  const stages = isWhole ? chosen.stages : []
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const route = stages.map(({ peer }) => byKey.get(peer) as ViewPeer)
  const standbys = chooseStandbys(costs, peers, stages)
  const own = costsOn(costs, route, stages)
  return {
    stages,
    standbys,
    streamed: [...new Set(route)].flatMap((peer) => {
      const ranges = stages.filter((stage) => stage.peer === peer.key)
      const parts = ranges.flatMap((range) => own.streamed(peer, range))
      const layers = layersOf(parts).length
      const sizeKiB = sumOfParts(own.partsKiB, parts)
      return layers === 0 ? [] : [{ peer: peer.key, parts: parts.length, layers, sizeKiB }]
    }),
    predicted: isWhole ? predict(own, hops, route, chosen, boundTicks) : null,
    leftOut: isWhole ? explainLeftOut(costs, peers, stages, standbys) : [],
    gap: missing,
    reserve: { contextTokens: model.contextTokens, sessions: sessionsOf(model) },
    hash: hashOf([
      'swarm plan 3',
      model.id,
      stages.map(({ peer, start, end }) => [peer, start, end]),
      standbys.map(({ peer, start, end }) => [peer, start, end]),
      missing.map(({ start, end }) => [start, end])
    ]),
    viewHash: viewHashText
  }
}

function explainLeftOut(
  costs: Costs,
  peers: ViewPeer[],
  stages: RouteStage[],
  standbys: RouteStage[]
): Plan['leftOut'] {
  const used = new Set(stages.map(({ peer }) => peer))
  return peers
    .filter(({ key }) => !used.has(key))
    .map((peer) => {
      const reason = reasonOf(costs, peer)
      const waits = standbys.find((standby) => standby.peer === peer.key)
      const then = waits ? `; it stands by for layers ${formatRange(waits)}` : ''
      return { peer: peer.key, reason: reason + then }
    })
}

function reasonOf(costs: Costs, peer: ViewPeer): string {
  const first = peer.pin?.start ?? 0
  const last = peer.pin?.end ?? costs.nLayers
  let hasRoom = false
  for (let layer = first; layer < last; layer++) hasRoom ||= costs.fits(peer, layer, layer + 1)
  const memory = formatSize(capacityKiB(peer) * 1024)
  if (!hasRoom) return `its ${memory} have no room for a single layer and its context`
  if (peer.pin !== null) return `others serve its layers ${formatRange(peer.pin)} in fewer stages`
  return `no split with its ${floorDiv(peer.weightMiBps * 10, 1024) / 10} GiB/s is predicted faster`
}
