import test from 'brittle'

import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { bruteForceTicks, keyOf, modelKiB, randomView, ticksOf } from '../helpers/views.ts'

import type { ModelFacts, View, ViewPeer } from '../../src/sharding/facts.ts'

interface Comparison {
  worst: number
  mean: number
  split: number
  /** Views that have a plan, of which none was found. */
  missed: number
  /** Bounds above the truth. */
  untrue: number
  proven: number
}

function compare(views: Iterable<View>): Comparison {
  const losses: number[] = []
  const result = { worst: 0, mean: 0, split: 0, missed: 0, untrue: 0, proven: 0 }
  for (const view of views) {
    const best = bruteForceTicks(view)
    const { stages, predicted } = computePlan(view)
    if (best === Infinity) continue
    if (predicted === null) result.missed++
    else {
      losses.push(ticksOf(view, stages) / best - 1)
      if (predicted.boundUs > best / 1e5) result.untrue++
      if (predicted.boundUs === predicted.tokenUs) result.proven++
    }
    if (stages.length > 1) result.split++
  }
  result.worst = Math.max(...losses)
  result.mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  return result
}

/** 40 layers of which the heaviest weighs twice the lightest, and peers that need each other. */
function unevenView(random: Random, nPeers: number): View {
  const layerKiB = Array.from({ length: 40 }, () => 100_000 + below(random, 100_000))
  const model: ModelFacts = {
    id: 'ab'.repeat(32),
    nLayers: 40,
    dim: 4096,
    layerKiB,
    activeKiB: layerKiB,
    embeddingKiB: below(random, 400_000),
    headKiB: below(random, 400_000),
    tied: false,
    kvBytesPerToken: 4096,
    contextTokens: 4096
  }
  const needKiB = modelKiB(model)
  const peers: ViewPeer[] = Array.from({ length: nPeers }, (_, index) => ({
    key: keyOf((index + 16).toString(16)),
    memoryKiB: Math.floor((needKiB * (15 + below(random, 60))) / 100),
    weightMiBps: 5000 + below(random, 60_000),
    pin: null
  }))
  return { model, peers }
}

function* many(count: number, make: () => View): Generator<View> {
  for (let i = 0; i < count; i++) yield make()
}

test('search - within one percent of every possible plan of six peers and 40 uneven layers', (t) => {
  const random = seededRandom(21)
  let nPeers = 3
  // Six peers once: the slow truth takes seconds.
  const views = many(10, () => unevenView(random, nPeers === 6 ? (nPeers = 4) : nPeers++))
  const { worst, mean, split, missed, untrue } = compare(views)
  t.is(missed, 0)
  t.is(untrue, 0, 'no bound lies above the truth')
  t.ok(worst <= 0.01, `worst ${worst}`)
  t.ok(mean <= 1e-3, `mean ${mean}`)
  t.ok(split >= 8, `${split} were splits`)
})

test('search - the best plan of all for small models, and it is known to be', (t) => {
  const random = seededRandom(22)
  const shape = { nLayersMax: 8, peersMax: 4, pinned: false }
  const { worst, split, missed, untrue, proven } = compare(
    many(600, () => randomView(random, shape))
  )
  t.is(missed, 0, 'a plan was found wherever there is one')
  t.is(untrue, 0)
  t.is(worst, 0)
  t.ok(split > 100, `${split} were splits`)
  t.ok(proven > 250, `${proven} were proven best`)
})

test('search - measured links decide the order of stages', (t) => {
  const random = seededRandom(23)
  const views = many(60, () => {
    const view = randomView(random, { nLayersMax: 8, peersMax: 4, pinned: false })
    for (const peer of view.peers) {
      peer.links = view.peers
        .filter(({ key }) => key > peer.key)
        .map(({ key }) => ({
          peer: key,
          delayUs: 100 << below(random, 8),
          mbps: 1 << below(random, 10)
        }))
    }
    return view
  })
  const { worst, split, missed, untrue } = compare(views)
  t.is(missed, 0)
  t.is(untrue, 0)
  t.is(worst, 0)
  t.ok(split > 5, `${split} were splits`)
})

test('search - an accelerator is filled first', (t) => {
  const random = seededRandom(24)
  const views = many(100, () => {
    const view = randomView(random, { nLayersMax: 8, peersMax: 3, pinned: false })
    for (const peer of view.peers) {
      const memoryKiB = Math.floor(peer.memoryKiB / 3)
      peer.accelerator = { memoryKiB, weightMiBps: 8 * peer.weightMiBps }
    }
    return view
  })
  const { worst, missed, untrue } = compare(views)
  t.is(missed, 0)
  t.is(untrue, 0)
  t.is(worst, 0)
})

test('search - sixteen peers are planned within two percent of what nothing can beat', (t) => {
  const random = seededRandom(25)
  let worst = 0
  for (let i = 0; i < 10; i++) {
    const { predicted } = computePlan(unevenView(random, 16))
    worst = Math.max(worst, (predicted?.tokenUs ?? Infinity) / (predicted?.boundUs ?? 1) - 1)
  }
  t.ok(worst < 0.02, `worst ${worst}`)
})

test('search - what overflows memory is read from disk where a peer can', (t) => {
  const random = seededRandom(26)
  const view = unevenView(random, 2)
  const [a, b] = view.peers as [ViewPeer, ViewPeer]
  const third = Math.floor(modelKiB(view.model) / 3)
  const small = [
    { ...a, memoryKiB: third },
    { ...b, memoryKiB: third }
  ]
  t.is(computePlan({ ...view, peers: small }).predicted, null, 'a third is missing')
  const disks = small.map((peer) => ({ ...peer, diskMiBps: 2000 }))
  const { predicted, stages } = computePlan({ ...view, peers: disks })
  t.is(new Set(stages.map(({ peer }) => peer)).size, 2)
  // A third of some 6 GB at 2 GB/s, by both disks at the same time.
  const tokenUs = predicted?.tokenUs ?? 0
  const leastUs = (modelKiB(view.model) / 6 / 1024 / 2000) * 1e6
  t.ok(tokenUs > leastUs && tokenUs < 1.5 * leastUs, `${tokenUs} of at least ${leastUs}`)
})
