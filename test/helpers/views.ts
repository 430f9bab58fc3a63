// Seeded models and peers for the planner, from comfortable to hopeless, and the slow truth to compare
// plans with: every ordered subset of the peers with every boundary. Spread is tested in plan.test.ts.

import { below, type Random } from '../../src/base/random.ts'
import { union } from '../../src/model/layer-range.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { nearestStep, quantiseMemory } from '../../src/sharding/profile.ts'
import { kvKiBPerLayer } from '../../src/sharding/facts.ts'
import { costsOn } from '../../src/sharding/shared-costs.ts'
import { ticksPerStage } from '../../src/sharding/route-ticks.ts'
import { withDisks } from '../../src/sharding/stream.ts'
import { peerIdOf, toPeerId } from '../../src/wire/ids.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'
import type { ModelFacts, View, ViewPeer } from '../../src/sharding/facts.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { PeerRecord } from '../../src/wire/record.ts'
import type { RouteStage } from '../../src/wire/session.ts'

export function randomModel(random: Random, nLayersMax: number): ModelFacts {
  const nLayers = 1 + below(random, nLayersMax)
  const layer = 20_000 + below(random, 400_000)
  const isMoe = below(random, 4) === 0
  const layerKiB = Array.from({ length: nLayers }, () => layer + below(random, layer >> 2))
  const embeddingKiB = below(random, 3 * layer)
  const tied = below(random, 2) === 0
  return {
    id: 'ab'.repeat(32),
    nLayers,
    dim: 512 << below(random, 5),
    layerKiB,
    activeKiB: layerKiB.map((size) => (isMoe ? size >> 3 : size)),
    embeddingKiB,
    headKiB: tied ? embeddingKiB : below(random, 3 * layer),
    tied,
    kvBytesPerToken: 512 << below(random, 5),
    contextTokens: 512 << below(random, 6)
  }
}

export function modelKiB(model: ModelFacts): number {
  const layers = model.layerKiB.reduce((sum, size) => sum + size, 0)
  return layers + model.nLayers * kvKiBPerLayer(model) + model.embeddingKiB + model.headKiB
}

/** All peers with a disk, and so much of the memory that the model needs. */
export function withScarceMemory(random: Random, { model, peers }: View, percent: number): View {
  const hasKiB = peers.reduce((sum, { memoryKiB }) => sum + memoryKiB, 0)
  const needKiB = Math.floor((modelKiB(model) * percent) / 100)
  const scarce = peers.map((peer) => ({
    ...peer,
    memoryKiB: Math.max(1, Math.floor((peer.memoryKiB * needKiB) / hasKiB)),
    diskMiBps: nearestStep(500 + below(random, 5000))
  }))
  return { model, peers: scarce }
}

/** Peers whose memory is from a tenth to about one and a half times what the model needs. */
export function randomPeers(random: Random, model: ModelFacts, count: number): ViewPeer[] {
  const needKiB = modelKiB(model)
  return Array.from({ length: count }, () => ({
    key: peerIdOf(random.bytes(32)),
    memoryKiB: quantiseMemory(Math.floor((needKiB * (10 + below(random, 140))) / 100)),
    weightMiBps: nearestStep(4000 + below(random, 1 << (12 + below(random, 6)))),
    pin: null
  }))
}

export function randomPin(random: Random, nLayers: number): LayerRange {
  const start = below(random, nLayers)
  return { start, end: start + 1 + below(random, nLayers - start) }
}

export function randomView(
  random: Random,
  { nLayersMax = 24, peersMax = 7, pinned = true }: Partial<ViewShape> = {}
): View {
  const model = randomModel(random, nLayersMax)
  const peers = randomPeers(random, model, 1 + below(random, peersMax))
  for (const peer of pinned ? peers : []) {
    if (below(random, 4) === 0) peer.pin = randomPin(random, model.nLayers)
  }
  return { model, peers: peers.toSorted((a, b) => (a.key < b.key ? -1 : 1)) }
}

interface ViewShape {
  nLayersMax: number
  peersMax: number
  pinned: boolean
}

/**
 * Lowest ticks of any cover of [0, nLayers) by unpinned peers, every order and every boundary compared;
 * Infinity when there is none. Of the routes over one set of peers that end at one peer and one layer
 * only the best is gone on with.
 */
export function bruteForceTicks({ model, peers }: View): number {
  const costs = createCosts(model)
  const hops = createHops(model, peers)
  let best = Infinity
  for (const first of peers) {
    const known = new Map<string, number>()
    const extend = (start: number, route: ViewPeer[], peer: ViewPeer, ticks: number) => {
      const used = [...route, peer]
      const set = used.map(({ key }) => key).toSorted()
      for (let end = start + 1; end <= model.nLayers && costs.fits(peer, start, end); end++) {
        const sum = ticks + costs.stages(peer).of(start, end)
        const back = route.length === 0 ? 0 : hops.backTicks(peer, first)
        if (end === model.nLayers) best = Math.min(best, sum + back)
        const state = [...set, peer.key, end].join()
        if (end === model.nLayers || sum >= (known.get(state) ?? Infinity)) continue
        known.set(state, sum)
        for (const next of peers) {
          if (!used.includes(next)) extend(end, used, next, sum + hops.ticks(peer, next))
        }
      }
    }
    extend(0, [], first, 0)
  }
  return best
}

/** Of a token over stages of which each streams what its peer has no memory for. */
export function ticksOf({ model, peers }: View, stages: readonly RouteStage[]): number {
  const hops = createHops(model, peers)
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const route = stages.map(({ peer }) => byKey.get(peer) as ViewPeer)
  const costs = costsOn(withDisks(createCosts(model)), route, stages)
  const perStage = ticksPerStage(costs, hops, route, stages)
  return perStage.reduce((sum, ticks) => sum + ticks, hops.routeTicks(route))
}

/** What a peer of a view would publish. */
export function toRecord(peer: ViewPeer, model: ModelFacts, changes: Partial<PeerRecord> = {}) {
  const record: PeerRecord = {
    key: peer.key,
    seq: 1,
    name: 'host',
    programVersion: '0.1.0',
    arithmeticVersion: 1,
    left: false,
    profile: {
      cores: 4,
      kernels: 'scalar',
      memoryKiB: peer.memoryKiB,
      weightMiBps: peer.weightMiBps,
      int8Mops: peer.int8Mops ?? 1000,
      diskMiBps: peer.diskMiBps ?? 0,
      contextTokens: 0,
      sessions: 0,
      neighbours: (peer.links ?? [])
        .map(({ peer: other, delayUs, mbps = 0 }) => ({ peer: other, delayUs, mbps, seenMiBps: 0 }))
        .toSorted((a, b) => (a.peer < b.peer ? -1 : 1))
    },
    model: { id: model.id, name: 'model.gguf', givesWay: false },
    pin: peer.pin,
    held: union(peer.held ?? [], peer.standby ?? []),
    own: [...(peer.held ?? [])],
    loading: null,
    ...changes
  }
  return record
}

export function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const result = [...values]
  for (let i = result.length - 1; i > 0; i--) {
    const j = below(random, i + 1)
    const swapped = result[i] as T
    result[i] = result[j] as T
    result[j] = swapped
  }
  return result
}

/** A key whose digits all repeat, such as `aaaa...`: easy to tell apart in golden plans. */
export function keyOf(digits: string): PeerId {
  return toPeerId(digits.repeat(64 / digits.length))
}
