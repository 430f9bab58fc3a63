import test from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { computePlan } from '../../src/sharding/plan.ts'
import { mixedView } from '../helpers/plan-runs.ts'
import { keyOf, randomModel } from '../helpers/views.ts'

import type { ModelFacts, View } from '../../src/sharding/facts.ts'

const model: ModelFacts = {
  ...randomModel(seededRandom(1), 1),
  nLayers: 8,
  layerKiB: Array.from({ length: 8 }, () => 1_000_000),
  activeKiB: Array.from({ length: 8 }, () => 1_000_000),
  embeddingKiB: 0,
  headKiB: 0,
  kvBytesPerToken: 0
}

/** Layers for which each peer has room, and its speed. */
function planOf(...peers: [string, number, number][]) {
  const view: View = {
    model,
    peers: peers.map(([digit, layers, weightMiBps]) => ({
      key: keyOf(digit),
      memoryKiB: layers * 1_000_000,
      weightMiBps,
      pin: null
    }))
  }
  const { stages, standbys } = computePlan(view)
  const text = (list: typeof stages) =>
    list.map(({ peer, start, end }) => `${peer[0]}:${start}-${end - 1}`).join(' ')
  return { stages: text(stages), standbys: text(standbys) }
}

test('standby - a machine without a stage waits for the layers of another', (t) => {
  t.alike(planOf(['a', 8, 20_000], ['b', 8, 10_000]), { stages: 'a:0-7', standbys: 'b:0-7' })
})

test('standby - nobody waits who has no room', (t) => {
  t.alike(planOf(['a', 8, 20_000], ['b', 4, 10_000]), { stages: 'a:0-7', standbys: '' })
})

test('standby - a spare machine waits for one stage and no more', (t) => {
  const { standbys } = planOf(['a', 4, 20_000], ['b', 4, 20_000], ['c', 4, 1000])
  t.is(standbys, 'c:0-3')
})

test('standby - another stage takes over where it has room for both', (t) => {
  // Six layers and two are eight: b has room for six, so for its own two and two of others.
  t.alike(planOf(['a', 6, 20_000], ['b', 6, 10_000], ['c', 3, 20_000]).standbys.length > 0, true)
})

test('standby - in random plans it is another peer with room beside all that it has', (t) => {
  const random = seededRandom(2)
  let count = 0
  for (let i = 0; i < 300; i++) {
    const view = mixedView(random, 8)
    const costs = createCosts(view.model)
    const { stages, standbys } = computePlan(view)
    for (const { peer, start, end } of standbys) {
      count++
      const stage = stages.find((one) => one.start === start && one.end === end)
      if (!stage || stage.peer === peer) t.fail(`view ${i}: stands by for itself`)
      const one = view.peers.find(({ key }) => key === peer)
      const all = [...stages, ...standbys].filter((range) => range.peer === peer)
      const needKiB = all.reduce((sum, range) => sum + costs.residentKiB(range.start, range.end), 0)
      const hasKiB = (one?.memoryKiB ?? 0) + (one?.accelerator?.memoryKiB ?? 0)
      if (needKiB > hasKiB) t.fail(`view ${i}: too little memory`)
    }
  }
  t.ok(count > 100, `${count} standbys`)
})

test('standby - machines that read their own layers from disk have no room for others', (t) => {
  const disk = { memoryKiB: 3_000_000, weightMiBps: 20_000, diskMiBps: 2000, pin: null }
  const peers = ['a', 'b'].map((digit) => ({ key: keyOf(digit), ...disk }))
  const { streamed, standbys } = computePlan({ model, peers })
  t.is(streamed.length, 2)
  t.alike(standbys, [])
})
