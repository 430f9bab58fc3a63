// Promise 4 in simulation: where the model fits one machine, no plan is slower than the best of them alone.
// Machines have true speeds and links, and publish them in the steps of profile.ts; a plan is made of what
// is published, and both plans are timed by the truth.

import test from 'brittle'

import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { predictRoute } from '../../src/sharding/predict-route.ts'
import { nearestStep } from '../../src/sharding/profile.ts'
import { modelKiB, randomModel, randomPeers } from '../helpers/views.ts'

import type { View, ViewPeer } from '../../src/sharding/facts.ts'

const CLUSTERS = 200
const SLOWER_MAX = 1.02

interface Cluster {
  /** What is so. */
  truth: View
  /** What everybody hears of it. */
  published: View
}

/** Two to eight machines of which the first has room for all. */
function randomCluster(random: Random): Cluster {
  const model = randomModel(random, 40)
  const peers = randomPeers(random, model, 2 + below(random, 7))
  const [first] = peers as [ViewPeer]
  first.memoryKiB = 2 * modelKiB(model)
  const sorted = peers.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  for (const peer of sorted) {
    peer.weightMiBps = 4000 + below(random, 60_000)
    const others = sorted.filter(({ key }) => key !== peer.key)
    peer.links = others.map(({ key }) => {
      // From two machines on one switch to two on different continents.
      return { peer: key, delayUs: 40 << below(random, 12), mbps: 50 << below(random, 8) }
    })
  }
  const inSteps = sorted.map((peer) => ({ ...peer, weightMiBps: nearestStep(peer.weightMiBps) }))
  return { truth: { model, peers: sorted }, published: { model, peers: inSteps } }
}

/** ms of a token on this route. */
function tokenMs(view: View, stages: Parameters<typeof predictRoute>[1]): number {
  const predicted = predictRoute(view, stages, { promptTokens: 1, nSessions: 1 })
  return 1000 / (predicted?.tokensPerSecond ?? NaN)
}

/** The best of those that can hold the model. */
function bestAloneMs(view: View): number {
  const { model, peers } = view
  const able = peers.filter((peer) => computePlan({ model, peers: [peer] }).stages.length === 1)
  return Math.min(
    ...able.map(({ key }) => tokenMs(view, [{ peer: key, start: 0, end: model.nLayers }]))
  )
}

function ratios(pick: (cluster: Cluster) => View): { ratios: number[]; nSplit: number } {
  const random = seededRandom(200)
  let nSplit = 0
  const found = Array.from({ length: CLUSTERS }, () => {
    const cluster = randomCluster(random)
    const { stages } = computePlan(cluster.published)
    if (stages.length > 1) nSplit++
    const view = pick(cluster)
    return tokenMs(view, stages) / bestAloneMs(view)
  })
  return { ratios: found, nSplit }
}

test('best alone - by what is published no plan of 200 clusters is slower', (t) => {
  const { ratios: found, nSplit } = ratios(({ published }) => published)
  t.is(found.length, CLUSTERS)
  t.ok(Math.max(...found) <= SLOWER_MAX, `${Math.max(...found).toFixed(4)} at most`)
  t.ok(nSplit > CLUSTERS / 10 && nSplit < CLUSTERS, `${nSplit} are split`)
  t.ok(
    found.some((ratio) => ratio < 0.8),
    'some are faster by a fifth'
  )
  t.comment(`median ${found.toSorted((a, b) => a - b)[CLUSTERS / 2]?.toFixed(3)}`)
})

test('best alone - by the truth a plan is off by what a step of a profile hides', (t) => {
  const { ratios: found } = ratios(({ truth }) => truth)
  const slower = found.filter((ratio) => ratio > SLOWER_MAX)
  t.comment(`${slower.length} of ${CLUSTERS}, ${Math.max(...found).toFixed(3)} at most`)
  t.ok(Math.max(...found) <= 1.19, `${Math.max(...found).toFixed(4)} at most`)
  t.ok(slower.length <= CLUSTERS / 10, `${slower.length} are slower by more than 2 %`)
})
