// A token that passes peers several times: against the slow truth of disks that read part after part, and
// what must hold of every such plan.

import test from 'brittle'

import { HELD_RANGES_MAX, ROUTE_STAGES_MAX } from '../../src/base/limits.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { layersOf } from '../../src/model/layer-part.ts'
import { createCosts, holdingKiB, TICKS_PER_US } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { computePlan, type Plan } from '../../src/sharding/plan.ts'
import { search } from '../../src/sharding/search.ts'
import { costsOn, hasRounds } from '../../src/sharding/shared-costs.ts'
import { withDisks } from '../../src/sharding/stream.ts'
import { streamedParts, sumOfParts } from '../../src/sharding/streamed-parts.ts'
import { evenModel, evenPeer, LAYER_KIB } from '../helpers/even-views.ts'
import { ticksWithDisks } from '../helpers/disk-reads.ts'
import { keyOf, randomView, withScarceMemory } from '../helpers/views.ts'

import type { View, ViewPeer } from '../../src/sharding/facts.ts'

const views: View[] = []
const random = seededRandom(61)
while (views.length < 200) {
  const roomy = randomView(random, { nLayersMax: 60, peersMax: 4, pinned: false })
  views.push(withScarceMemory(random, roomy, 40 + below(random, 60)))
}
const plans = views.map((view): [View, Plan] => [view, computePlan(view)])
const inRounds = plans.filter(([, { stages }]) => hasRounds(stages))

const shape = ({ stages }: Plan) =>
  stages.map((stage) => `${stage.peer[0]}:${stage.start}-${stage.end - 1}`).join(' ')

test('rounds - two machines that lack memory for a third let their disks read side by side', (t) => {
  const view = { model: evenModel(24), peers: [evenPeer('a', 8), evenPeer('b', 8)] }
  const plan = computePlan(view)
  t.is(
    shape(plan),
    'a:0-1 b:2-3 a:4-5 b:6-7 a:8-10 b:11-13 a:14-15 b:16-17 a:18-20 b:21-23',
    'one from disk in each stage'
  )
  t.alike(plan.streamed, [
    { peer: keyOf('a'), parts: 15, layers: 5, sizeKiB: 5 * LAYER_KIB },
    { peer: keyOf('b'), parts: 15, layers: 5, sizeKiB: 5 * LAYER_KIB }
  ])
  // Ten layers from disk instead of memory; by one disk after the other they would take twice as long.
  const diskUs = 5 * (LAYER_KIB / 1024 / 2000) * 1e6
  const tokenUs = plan.predicted?.tokenUs ?? 0
  t.ok(tokenUs > 0.999 * diskUs && tokenUs < 1.02 * diskUs, `${tokenUs} of ${diskUs}`)
  t.ok(Math.abs(ticksWithDisks(view, plan.stages) / TICKS_PER_US / tokenUs - 1) < 0.01)
})

test('rounds - of many views a good part is planned so, and each such plan is one that can be', (t) => {
  t.ok(inRounds.length > 40, `${inRounds.length} of ${plans.length}`)
  for (const [{ model, peers }, { stages }] of inRounds) {
    t.is(stages[0]?.start, 0)
    t.is(stages.at(-1)?.end, model.nLayers)
    t.ok(stages.length <= ROUTE_STAGES_MAX)
    for (const [i, stage] of stages.entries()) {
      const next = stages[i + 1]
      if (next && (next.start !== stage.end || next.peer === stage.peer)) t.fail('no such route')
    }
    for (const one of peers) {
      const own = stages.filter((stage) => stage.peer === one.key)
      if (own.length === 0) continue
      const costs = createCosts(model)
      const parts = streamedParts(costs, one.memoryKiB, ...own)
      if (parts === null || own.length > HELD_RANGES_MAX) return t.fail('more than it can hold')
      const sizes = layersOf(parts).map((layer) => model.layerKiB[layer] as number)
      const aheadKiB = Math.max(0, ...sizes)
      if (holdingKiB(costs, own) - sumOfParts(costs.partsKiB, parts) + aheadKiB > one.memoryKiB) {
        t.fail('more than its memory')
      }
    }
  }
})

test('rounds - a token is never slower than with one stage for each peer, and often much faster', (t) => {
  const gains = inRounds.map(([view, { predicted }]) => {
    const costs = withDisks(createCosts(view.model))
    const once = search(costs, createHops(view.model, view.peers), view.peers).best
    return once.ticks / TICKS_PER_US / (predicted?.tokenUs ?? Infinity)
  })
  t.ok(Math.min(...gains) > 1, `least ${Math.min(...gains)}`)
  const median = gains.toSorted((a, b) => a - b)[gains.length >> 1] as number
  t.ok(median > 1.2, `median ${median}`)
})

test('rounds - no bound is above what its disks make of any plan', (t) => {
  for (const [view, { stages, predicted }] of plans) {
    if (predicted === null) continue
    const truthUs = ticksWithDisks(view, stages) / TICKS_PER_US
    if (predicted.boundUs > truthUs * 1.001) t.fail(`${predicted.boundUs} above ${truthUs}`)
  }
  t.pass()
})

test('rounds - a plan that is held stays, although a disk is measured a step faster', (t) => {
  const peers = [evenPeer('a', 8), evenPeer('b', 8)]
  const model = evenModel(24)
  const plan = computePlan({ model, peers })
  const holding = (one: ViewPeer): ViewPeer => {
    const own = plan.stages.filter((stage) => stage.peer === one.key)
    return { ...one, held: own.map(({ start, end }) => ({ start, end })) }
  }
  const [a, b] = [holding(evenPeer('a', 8)), holding(evenPeer('b', 8))]
  t.is(computePlan({ model, peers: [a, b] }).hash, plan.hash)
  t.is(computePlan({ model, peers: [{ ...a, diskMiBps: 2380 }, b] }).hash, plan.hash)
  const far = [a, b].map((one) => ({
    ...one,
    memoryKiB: 20 * LAYER_KIB,
    links: [{ peer: one === a ? b.key : a.key, delayUs: 20_000 }]
  }))
  t.absent(hasRounds(computePlan({ model, peers: far }).stages), 'with memory for all it goes')
})

test('rounds - a prompt whose activations are many and slow is worth more than they are', (t) => {
  const model = evenModel(24, { dim: 8192 })
  const [a, b] = [evenPeer('a', 8), evenPeer('b', 8)]
  const linked = (mbps: number) => [
    { ...a, links: [{ peer: b.key, delayUs: 100, mbps }] },
    { ...b, links: [{ peer: a.key, delayUs: 100, mbps }] }
  ]
  t.ok(hasRounds(computePlan({ model, peers: linked(1000) }).stages))
  t.absent(hasRounds(computePlan({ model, peers: linked(3) }).stages))
})

test('rounds - stages of one peer share its memory, its accelerator and its table', (t) => {
  const accelerator = { memoryKiB: 4 * LAYER_KIB, weightMiBps: 80_000 }
  const one = evenPeer('a', 6, { accelerator })
  const other = evenPeer('b', 20)
  const model = evenModel(20, { embeddingKiB: 5000, headKiB: 5000, tied: true })
  const costs = withDisks(createCosts(model))
  const stage = (key: ViewPeer['key'], start: number, end: number) => ({ peer: key, start, end })
  const stages = [stage(one.key, 0, 5), stage(other.key, 5, 15), stage(one.key, 15, 20)]
  t.is(holdingKiB(costs, [stages[0]!, stages[2]!]), 10 * LAYER_KIB + 5000)
  const whole = costsOn(costs, [one, other, one], stages)
  const headless = createCosts({ ...model, headKiB: 0, embeddingKiB: 0 })
  const [together, apart] = [headless.memoryTicks(one, 0, 10), headless.memoryTicks(one, 0, 5)]
  const sum = whole.memoryTicks(one, 0, 5) + whole.memoryTicks(one, 15, 20)
  t.ok(sum > 2 * apart, 'what is alone on the accelerator would be faster')
  t.ok(sum > together * 0.99 && sum < together * 1.1, `${sum} of ${together}`)
  t.is(whole.memoryTicks(other, 5, 15), costs.memoryTicks(other, 5, 15))
})

test('rounds - what is read from disk of ranges that touch is what is read of the whole', (t) => {
  for (let i = 0; i < 200; i++) {
    const model = { ...evenModel(5 + below(random, 30)), kvBytesPerToken: 0 }
    model.layerKiB = model.layerKiB.map((size) => size + below(random, 20_000))
    const costs = createCosts(model)
    const { nLayers } = model
    const cut = 1 + below(random, nLayers - 1)
    const memoryKiB = below(random, nLayers) * LAYER_KIB
    const parts = [
      { start: 0, end: cut },
      { start: cut, end: nLayers }
    ]
    const whole = withDisks(costs).streamed(
      { memoryKiB, diskMiBps: 100 },
      { start: 0, end: nLayers }
    )
    const found = streamedParts(costs, memoryKiB, ...parts)
    if ((found ?? []).join() !== whole.join()) t.fail(`${found?.join()} and ${whole.join()}`)
  }
  t.pass()
})
