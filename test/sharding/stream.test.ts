// Layers that are read from disk for every token: which they are, what that costs, and when plans use it.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { layersOf } from '../../src/model/layer-part.ts'
import { longChunkTokens } from '../../src/sharding/chunks.ts'
import { createCosts, TICKS_PER_US, type Costs } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { predictRoute } from '../../src/sharding/predict-route.ts'
import { ticksPerStage } from '../../src/sharding/route-ticks.ts'
import { withDisks } from '../../src/sharding/stream.ts'
import { hasRounds } from '../../src/sharding/shared-costs.ts'
import { streamedParts, sumOfParts } from '../../src/sharding/streamed-parts.ts'
import { createView } from '../../src/sharding/view.ts'
import { evenModel, evenPeer, LAYER_KIB } from '../helpers/even-views.ts'
import { ticksWithDisks } from '../helpers/disk-reads.ts'
import {
  keyOf,
  modelKiB,
  randomModel,
  randomView,
  shuffled,
  ticksOf,
  toRecord,
  withScarceMemory
} from '../helpers/views.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'
import type { View, ViewPeer } from '../../src/sharding/facts.ts'
import type { RouteStage } from '../../src/wire/session.ts'

/** Shares of gate and up, and of down: of models that are wide between, and of some that are not. */
const WIDE = [0.6, 0.3] as const
const EVEN = [0.4, 0.3] as const

function withShares(view: View, [gateUp, down]: readonly [number, number]): View {
  const { layerKiB } = view.model
  const gateUpKiB = layerKiB.map((sizeKiB) => Math.floor(gateUp * sizeKiB))
  const downKiB = layerKiB.map((sizeKiB) => Math.floor(down * sizeKiB))
  return { ...view, model: { ...view.model, gateUpKiB, downKiB } }
}

/** Whole ones; of a stage among others. */
function streamedLayers(costs: Costs, memoryKiB: number, range: LayerRange): number[] | null {
  const parts = streamedParts(costs, memoryKiB, range)
  return parts && layersOf(parts)
}

const roomOf = (layers: number) => (nLayers: number) => {
  const costs = createCosts(evenModel(nLayers + 1))
  return streamedLayers(costs, layers * LAYER_KIB, { start: 0, end: nLayers })
}

test('streamed layers - none where all fit, else two at least, from the first to the last', (t) => {
  t.alike(roomOf(8)(8), [])
  t.alike(roomOf(7)(8), [0, 7])
  t.alike(roomOf(6)(8), [0, 3, 7])
  t.alike(roomOf(1)(8), [0, 1, 2, 3, 4, 5, 6, 7])
  t.is(streamedLayers(createCosts(evenModel(9)), LAYER_KIB - 1, { start: 0, end: 8 }), null)
  t.alike(roomOf(1)(2), [0, 1])
  t.is(roomOf(0)(1), null, 'room for one layer holds it for good')
})

test('streamed layers - keys and values, table and head stay in memory', (t) => {
  const facts = { kvBytesPerToken: 1024, contextTokens: 1000, embeddingKiB: 5000, headKiB: 7000 }
  const costs = createCosts(evenModel(8, facts))
  const leastKiB = 8 * 1000 + 5000 + 7000 + LAYER_KIB
  t.is(streamedLayers(costs, leastKiB, { start: 0, end: 8 })?.length, 8)
  t.is(streamedLayers(costs, leastKiB - 1, { start: 0, end: 8 }), null)
  t.is(streamedLayers(costs, leastKiB - 12_000 - 2000, { start: 1, end: 7 })?.length, 6)
})

/** Bytes in memory with these layers on disk. */
function residentKiB(costs: Costs, { start, end }: LayerRange, layers: readonly number[]): number {
  const sizes = layers.map((layer) => costs.model.layerKiB[layer] as number)
  const pinned = costs.residentKiB(start, end) - sizes.reduce((sum, size) => sum + size, 0)
  return pinned + Math.max(0, ...sizes)
}

test('streamed layers - of even layers no other choice at all reads fewer', (t) => {
  const random = seededRandom(31)
  let streamed = 0
  for (let i = 0; i < 400; i++) {
    const nLayers = 1 + below(random, 11)
    const facts = { kvBytesPerToken: 64, embeddingKiB: below(random, LAYER_KIB), headKiB: 50_000 }
    const costs = createCosts(evenModel(nLayers + 1, facts))
    const start = below(random, 2) * below(random, nLayers)
    const range = { start, end: start + 1 + below(random, nLayers - start) }
    const wholeKiB = costs.residentKiB(range.start, range.end)
    const memoryKiB = LAYER_KIB + below(random, Math.max(1, wholeKiB - LAYER_KIB))
    let fewest = Infinity
    for (let set = 0; set < 2 ** (range.end - start); set++) {
      const chosen = [...set.toString(2)].toReversed()
      const layers = chosen.flatMap((bit, index) => (bit === '1' ? [start + index] : []))
      const fits = residentKiB(costs, range, layers) <= memoryKiB
      if (fits) fewest = Math.min(fewest, layers.length)
    }
    const found = streamedLayers(costs, memoryKiB, range)
    if ((found?.length ?? Infinity) !== fewest) t.fail(`${found?.length} of ${fewest}`)
    if (fewest > 0 && fewest < Infinity) streamed++
  }
  t.ok(streamed > 60, `${streamed} streamed`)
})

test('streamed layers - of uneven ones they fit, spread evenly, and no fewer so spread do', (t) => {
  const random = seededRandom(32)
  let streamed = 0
  for (let i = 0; i < 500; i++) {
    const model = randomModel(random, 40)
    const costs = createCosts(model)
    const end = model.nLayers - 1
    if (end < 1) continue
    const range = { start: 0, end }
    const memoryKiB = Math.floor((modelKiB(model) * below(random, 100)) / 100)
    const layers = streamedLayers(costs, memoryKiB, range)
    const spread = (count: number) =>
      Array.from({ length: count }, (_, k) => Math.floor((k * (end - 1)) / (count - 1)))
    const fits = (count: number) => residentKiB(costs, range, spread(count)) <= memoryKiB
    if (layers === null) {
      if (end > 1 && fits(end)) t.fail('all of them would fit')
      continue
    }
    if (layers.length === 0) continue
    streamed++
    if (layers.join() !== spread(layers.length).join()) t.fail(layers.join())
    if (!fits(layers.length)) t.fail('does not fit')
    for (let fewer = 2; fewer < layers.length; fewer++) if (fits(fewer)) t.fail(`${fewer} would do`)
  }
  t.ok(streamed > 150, `${streamed} streamed`)
})

test('stream - where memory suffices disks change nothing of a plan', (t) => {
  const random = seededRandom(33)
  let fitting = 0
  for (let i = 0; i < 300; i++) {
    const view = randomView(random, { nLayersMax: 16, peersMax: 5 })
    const { hash, gap, predicted } = computePlan(view)
    if (gap.length > 0) continue
    fitting++
    const peers = view.peers.map((one) => ({ ...one, diskMiBps: 100 + below(random, 100_000) }))
    const plan = computePlan({ ...view, peers })
    if (plan.hash !== hash || plan.streamed.length > 0) t.fail('it streams')
    t.alike(plan.predicted, predicted)
  }
  t.ok(fitting > 100, `${fitting} fit`)
})

/** Lowest ticks of any stages of unpinned peers that stream; Infinity where there are none. */
function bruteForceStreaming({ model, peers }: View): number {
  const costs = withDisks(createCosts(model))
  const canHold = (one: ViewPeer, start: number, end: number) =>
    streamedLayers(costs, one.memoryKiB, { start, end }) !== null
  const extend = (stages: RouteStage[], start: number): number => {
    if (start === model.nLayers) return ticksOf({ model, peers }, stages)
    const free = peers.filter(({ key }) => stages.every((stage) => stage.peer !== key))
    const ticks = free.flatMap((one) =>
      Array.from({ length: model.nLayers - start }, (_, i) => start + 1 + i)
        .filter((end) => canHold(one, start, end))
        .map((end) => extend([...stages, { peer: one.key, start, end }], end))
    )
    return Math.min(Infinity, ...ticks)
  }
  return extend([], 0)
}

function scarceViews(seed: number, count: number, nLayersMax = 9, peersMax = 3): View[] {
  const random = seededRandom(seed)
  const views: View[] = []
  while (views.length < count) {
    const roomy = randomView(random, { nLayersMax, peersMax, pinned: false })
    const view = withScarceMemory(random, roomy, 40 + below(random, 60))
    if (view.model.nLayers > 4) views.push(view)
  }
  return views
}

test('stream - plans are near the best of every possible one, and no bound is above the truth', (t) => {
  const losses: number[] = []
  for (const view of scarceViews(34, 400)) {
    const best = bruteForceStreaming(view)
    const { predicted, streamed, gap } = computePlan(view)
    if (best === Infinity) {
      if (gap.length === 0) t.fail('a plan that cannot be')
      continue
    }
    if (predicted === null) t.fail('no plan was found')
    if (streamed.length === 0) continue
    losses.push((predicted?.tokenUs ?? Infinity) / (best / TICKS_PER_US) - 1)
    if ((predicted?.boundUs ?? 0) > best / TICKS_PER_US) t.fail('a bound above the truth')
  }
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  t.ok(losses.length > 150, `${losses.length} stream`)
  t.ok(Math.max(...losses) <= 0.04, `worst ${Math.max(...losses)}`)
  t.ok(mean <= 1e-3, `mean ${mean}`)
})

test('stream - a token takes as long as disks that read part after part in turn', (t) => {
  const seen = { alone: 0, once: 0, inRounds: 0 }
  for (const usual of scarceViews(35, 100, 40)) {
    for (const view of [usual, withShares(usual, WIDE), withShares(usual, EVEN)]) {
      const { stages, streamed } = computePlan(view)
      if (streamed.length === 0) continue
      seen[stages.length === 1 ? 'alone' : hasRounds(stages) ? 'inRounds' : 'once']++
      const ratio = ticksWithDisks(view, stages) / ticksOf(view, stages)
      if (Math.abs(ratio - 1) > 1e-3) t.fail(`${ratio}`)
    }
  }
  t.ok(Math.min(...Object.values(seen)) > 20, JSON.stringify(seen))
})

test('stream - what a stage takes at least is no more than it takes, whichever is asked first', (t) => {
  const random = seededRandom(17)
  const seen = { streamed: 0, exact: 0, wrong: 0 }
  for (let i = 0; i < 30; i++) {
    const view = withScarceMemory(random, randomView(random), 30 + below(random, 60))
    const [asked, other] = [withDisks(createCosts(view.model)), withDisks(createCosts(view.model))]
    for (const one of view.peers) {
      const price = asked.memories(one).at(-1)?.price ?? 0
      for (let start = 0; start < view.model.nLayers; start++) {
        for (let end = start + 1; asked.fits(one, start, end); end++) {
          const least = asked.stages(one).least(start, end)
          const ticks = asked.stages(one).of(start, end)
          const parts = asked.streamed(one, { start, end })
          const readTicks = price * sumOfParts(asked.partsKiB, parts)
          if (parts.length > 0) seen.streamed += 1
          if (parts.length > 0 && least === ticks) seen.exact += 1
          if (parts.length === 0 && least !== ticks) seen.wrong += 1
          if (least > ticks || asked.stages(one).least(start, end) !== ticks) seen.wrong += 1
          if (other.stages(one).of(start, end) !== ticks) seen.wrong += 1
          if (parts.length > 0 && asked.diskTicks(one, start, end) !== readTicks) seen.wrong += 1
          if (end === view.model.nLayers) break
        }
      }
    }
  }
  t.is(seen.wrong, 0)
  t.ok(seen.streamed > 1000, `${seen.streamed} stages from disk`)
  t.ok(seen.exact < seen.streamed / 2, `of ${seen.exact} of them it is what they take`)
})

test('stream - in any order of news the same bytes', (t) => {
  const random = seededRandom(36)
  for (const view of scarceViews(37, 60, 24, 5)) {
    const records = view.peers.map((one) => toRecord(one, view.model))
    const plan = JSON.stringify(computePlan(createView(view.model, 1, records)))
    const again = createView(view.model, 1, shuffled(random, records))
    if (JSON.stringify(computePlan(again)) !== plan) t.fail('another plan')
  }
  t.pass()
})

test('stream - faster disks never make a slower plan', (t) => {
  let faster = 0
  for (const view of scarceViews(38, 120)) {
    const rate = (factor: number) => {
      const peers = view.peers.map((one) => ({ ...one, diskMiBps: one.diskMiBps! * factor }))
      return computePlan({ ...view, peers }).predicted?.tokenUs ?? Infinity
    }
    const [slow, fast] = [rate(1), rate(3)]
    if (fast > slow) t.fail(`${fast} of ${slow}`)
    if (fast < slow) faster++
  }
  t.ok(faster > 40, `${faster} are faster`)
})

test('stream - a peer without a disk, or with one slower than memory may be, streams nothing', (t) => {
  const model = evenModel(10)
  const planOf = (diskMiBps: number) =>
    computePlan({ model, peers: [evenPeer('a', 8, { diskMiBps })] })
  t.alike(planOf(0).gap, [{ start: 8, end: 10 }])
  t.is(planOf(31).predicted, null)
  const downKiB = Math.floor(LAYER_KIB / 3)
  t.alike(planOf(32).streamed, [{ peer: keyOf('a'), parts: 8, layers: 8, sizeKiB: 8 * downKiB }])
})

test('stream - a token that takes longer than a minute is no plan', (t) => {
  const planOf = (nLayers: number) =>
    computePlan({ model: evenModel(nLayers), peers: [evenPeer('a', 4, { diskMiBps: 40 })] })
  // Two and a half seconds for each layer but the two that stay.
  t.is(planOf(26).gap.length, 0)
  const { gap, streamed } = planOf(28)
  t.alike([gap, streamed], [[{ start: 4, end: 28 }], []])
})

test('stream - a pinned peer streams inside its pin', (t) => {
  const pin = { start: 2, end: 10 }
  const peers = [evenPeer('a', 4, { pin }), evenPeer('b', 2, { diskMiBps: 0 })]
  const { stages, streamed } = computePlan({ model: evenModel(10), peers })
  t.alike(stages, [
    { peer: keyOf('b'), start: 0, end: 2 },
    { peer: keyOf('a'), start: 2, end: 10 }
  ])
  t.alike(streamed, [{ peer: keyOf('a'), parts: 15, layers: 5, sizeKiB: 5 * LAYER_KIB }])
})

test('stream - what was declared is no reason to read from disk, the usual reserve is kept then', (t) => {
  const model = evenModel(10, { kvBytesPerToken: 1024, contextTokens: 1000 })
  const one = evenPeer('a', 10)
  const roomy = { ...one, memoryKiB: 10 * (LAYER_KIB + 1000) }
  const declared = { ...model, contextTokens: 8000 }
  const usual = { contextTokens: 1000, sessions: 1 }
  const plan = computePlan({ model: declared, usual, peers: [roomy] })
  t.is(plan.reserve.contextTokens, 1000)
  t.alike(plan.streamed, [])
})

test('stream - large chunks win where each of them reads the disk once more', (t) => {
  const model = evenModel(12, { layerKops: Array.from({ length: 12 }, () => 100_000) })
  const diskMiBps = 200
  const planOf = (layers: number, int8Mops = 100_000) => {
    const rates = { diskMiBps, int8Mops }
    return computePlan({
      model,
      peers: [evenPeer('a', layers, rates), evenPeer('b', layers, rates)]
    }).predicted!
  }
  t.ok(planOf(6).chunking.closing.least < 128)
  const even = planOf(5)
  t.is(even.chunking.most, 256, 'its positions take as long as the disk')
  // Two chunks through a stage of which three layers at least are read.
  const readUs = 3 * (LAYER_KIB / 1024 / diskMiBps) * 1e6
  t.ok(even.firstTokenUs > 2 * readUs, `${even.firstTokenUs}`)
  t.is(planOf(5, 1_000_000).chunking.most, 512)
  t.ok(planOf(5, 5_000).chunking.most <= 128, 'what computing adds would be minutes')
})

test('stream - a machine that nobody measured reads long chunks of models that it computes in time', (t) => {
  const kops = (billions: number) => ({ layerKops: [billions * 1e6, billions * 1e6] })
  t.is(longChunkTokens({}), 512)
  t.is(longChunkTokens(kops(8)), 512)
  t.is(longChunkTokens(kops(32)), 234)
  t.is(longChunkTokens(kops(70)), 128)
})

test('stream - several sessions leave a disk no time between their tokens', (t) => {
  const view = { model: evenModel(12), peers: [evenPeer('a', 5), evenPeer('b', 5)] }
  const { predicted, streamed, stages } = computePlan(view)
  const slowestUs =
    Math.max(...streamed.map(({ layers }) => layers)) * (LAYER_KIB / 1024 / 2000) * 1e6
  const periodUs = (stages.length * 1e6) / predicted!.pooledTokensPerSecond
  t.ok(Math.abs(periodUs / (2 * slowestUs) - 1) < 0.001, `${periodUs} of ${2 * slowestUs}`)
  const use = { promptTokens: 512, nSessions: 100 }
  const busy = predictRoute(view, stages, use)
  t.ok(Math.abs(1e6 / busy!.tokensPerSecond / (100 * slowestUs) - 1) < 0.001)
})

test('stream - what a route of a plan is predicted is what the plan says', (t) => {
  for (const view of scarceViews(39, 60)) {
    const { stages, predicted, streamed } = computePlan(view)
    if (predicted === null) continue
    const route = predictRoute(view, stages, { promptTokens: 512, nSessions: 1 })
    const layersOf = (peer: string) =>
      route?.perHop.reduce((sum, { layersOnDisk = 0 }, index) => {
        return stages[index]?.peer === peer ? sum + layersOnDisk : sum
      }, 0)
    for (const peer of new Set(stages.map((stage) => stage.peer))) {
      t.is(layersOf(peer), streamed.find((one) => one.peer === peer)?.layers ?? 0)
    }
    if (route?.tokensPerSecond !== predicted.tokensPerSecond) t.fail('another rate')
    if (route?.firstTokenMs !== predicted.firstTokenUs / 1000) t.fail('another first token')
    t.alike(
      route?.perHop.map(({ computeMs }) => Math.round(1000 * computeMs)),
      predicted.perStageUs
    )
  }
})

test('stream - the stages and the hops of a token are the token', (t) => {
  for (const view of scarceViews(40, 60)) {
    const { stages, predicted } = computePlan(view)
    if (predicted === null) continue
    const costs = withDisks(createCosts(view.model))
    const hops = createHops(view.model, view.peers)
    const route = stages.map((stage) => view.peers.find(({ key }) => key === stage.peer)!)
    const perStage = ticksPerStage(costs, hops, route, stages)
    for (const [index, { start, end }] of stages.entries()) {
      const one = route[index] as ViewPeer
      if (costs.diskTicks(one, start, end) > ticksOf(view, stages))
        t.fail('before its disk is done')
      if ((perStage[index] as number) < createCosts(view.model).stages(one).of(start, end)) {
        t.fail('before it computed')
      }
    }
    const sumUs = predicted.perStageUs.reduce((sum, us) => sum + us, predicted.hopUs)
    if (Math.abs(sumUs - predicted.tokenUs) > stages.length + 1) t.fail(`${sumUs}`)
  }
  t.pass()
})
