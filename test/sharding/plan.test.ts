import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { contains } from '../../src/model/layer-range.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { computePlan, type Plan } from '../../src/sharding/plan.ts'
import { planManyTimes } from '../helpers/plan-runs.ts'
import { keyOf, modelKiB, randomModel, randomPeers, randomView, ticksOf } from '../helpers/views.ts'

import type { ModelFacts, View, ViewPeer } from '../../src/sharding/facts.ts'

// An 8B model at 4.5 bits: 32 layers of 120 MiB, tables of 280 and 410 MiB.
const LLAMA_8B: ModelFacts = {
  id: 'cd'.repeat(32),
  nLayers: 32,
  dim: 4096,
  layerKiB: Array.from({ length: 32 }, () => 120 * 1024),
  activeKiB: Array.from({ length: 32 }, () => 120 * 1024),
  embeddingKiB: 280 * 1024,
  headKiB: 410 * 1024,
  tied: false,
  kvBytesPerToken: 4096,
  contextTokens: 4096
}

function peer(digits: string, gib: number, weightMiBps: number, pin: ViewPeer['pin'] = null) {
  return { key: keyOf(digits), memoryKiB: Math.round(gib * 2 ** 20), weightMiBps, pin }
}

function planOf(...peers: ViewPeer[]): Plan {
  return computePlan({ model: LLAMA_8B, peers })
}

/** `aa:0-15 bb:16-31` */
function brief({ stages }: Plan): string {
  return stages.map(({ peer, start, end }) => `${peer.slice(0, 2)}:${start}-${end - 1}`).join(' ')
}

test('plan - a machine that holds the model serves alone', (t) => {
  const plan = planOf(peer('a', 16, 20_000))
  t.is(brief(plan), 'aa:0-31')
  t.is(plan.predicted?.hopUs, 0)
  // 32 * 120 + 410 MiB at 20,000 MiB/s are 212,500; the price of a KiB is rounded down.
  t.is(plan.predicted?.tokenUs, 212_464)
})

test('plan - a slower second machine is left out and the plan says why', (t) => {
  const plan = planOf(peer('a', 16, 20_000), peer('b', 16, 10_000))
  t.is(brief(plan), 'aa:0-31')
  t.is(plan.leftOut.length, 1)
  t.is(plan.leftOut[0]?.peer, keyOf('b'))
  t.ok(/predicted faster/.test(plan.leftOut[0]?.reason ?? ''))
})

test('plan - machines that are too small alone share the layers, the fast one as many as fit', (t) => {
  const plan = planOf(peer('a', 3, 20_000), peer('b', 6, 10_000))
  t.is(brief(plan), 'bb:0-12 aa:13-31')
})

test('plan - equal machines share equally', (t) => {
  const plan = planOf(peer('a', 4, 20_000), peer('b', 4, 20_000))
  t.is(plan.stages.length, 2)
  const sizes = plan.stages.map(({ start, end }) => end - start)
  // The head weighs as much as three layers and more.
  t.alike(sizes, [18, 14])
})

test('plan - no machine is used that has no room for a layer', (t) => {
  const plan = planOf(peer('a', 0.1, 40_000), peer('b', 16, 10_000))
  t.is(brief(plan), 'bb:0-31')
  t.ok(/no room for a single layer/.test(plan.leftOut[0]?.reason ?? ''))
})

test('plan - without room for every layer there is no plan but the gap', (t) => {
  const plan = planOf(peer('a', 1, 20_000), peer('b', 1, 20_000))
  t.alike(plan.stages, [])
  t.is(plan.predicted, null)
  const missing = plan.gap.reduce((sum, { start, end }) => sum + end - start, 0)
  // Each has room for 7 layers of 136 MiB with their context, and none for a table besides.
  t.is(missing, 32 - 7 - 7)
})

test('plan - whatever the speeds, the last layers are those that are missing', (t) => {
  for (const [a, b] of [
    [20_000, 20_000],
    [20_000, 2000],
    [2000, 20_000]
  ] as const) {
    const plan = planOf(peer('a', 1, a), peer('b', 1, b))
    t.alike(plan.gap, [
      { start: 0, end: 1 },
      { start: 15, end: 32 }
    ])
  }
})

test('plan - nobody at all is a gap of everything', (t) => {
  const plan = planOf()
  t.alike(plan.gap, [{ start: 0, end: 32 }])
})

test('plan - pins that tile the model are the plan', (t) => {
  const plan = planOf(
    peer('a', 16, 10_000, { start: 16, end: 32 }),
    peer('b', 16, 90_000, { start: 0, end: 16 })
  )
  t.is(brief(plan), 'bb:0-15 aa:16-31')
})

test('plan - of pins that overlap the fewest are used, each inside its own', (t) => {
  const plan = planOf(
    peer('a', 16, 10_000, { start: 0, end: 20 }),
    peer('b', 16, 10_000, { start: 8, end: 24 }),
    peer('c', 16, 10_000, { start: 12, end: 32 })
  )
  t.is(brief(plan), 'aa:0-19 cc:20-31')
  t.ok(/others serve its layers 8-23/.test(plan.leftOut[0]?.reason ?? ''))
})

test('plan - layers that no pin covers go to machines without one', (t) => {
  const plan = planOf(
    peer('a', 16, 10_000, { start: 4, end: 10 }),
    peer('b', 16, 10_000, { start: 20, end: 32 }),
    peer('c', 2, 10_000),
    peer('d', 2, 10_000)
  )
  t.alike(plan.gap, [])
  t.is(brief(plan).replace(/[cd]{2}/g, '**'), '**:0-3 aa:4-9 **:10-19 bb:20-31')
})

test('plan - a pin larger than its machine is served as far as memory reaches', (t) => {
  const plan = planOf(peer('a', 2, 10_000, { start: 0, end: 32 }), peer('b', 16, 10_000))
  t.is(brief(plan), 'aa:0-12 bb:13-31')
})

test('plan - a model beyond every bound is refused', (t) => {
  const model = { ...LLAMA_8B, layerKiB: LLAMA_8B.layerKiB.map(() => 2 ** 31) }
  try {
    computePlan({ model, peers: [] })
    t.fail('planned')
  } catch (error) {
    t.is((error as SwarmError).code, 'PLAN_NO_CAPACITY')
  }
})

test('plan - random views spread from alone over split to hopeless', (t) => {
  const random = seededRandom(7)
  const kinds = { alone: 0, split: 0, hopeless: 0, pinned: 0, tied: 0, leftOut: 0 }
  for (let i = 0; i < 600; i++) {
    const view = randomView(random)
    const plan = computePlan(view)
    kinds.alone += plan.stages.length === 1 ? 1 : 0
    kinds.split += plan.stages.length > 1 ? 1 : 0
    kinds.hopeless += plan.stages.length === 0 ? 1 : 0
    kinds.leftOut += plan.leftOut.length > 0 ? 1 : 0
    kinds.pinned += view.peers.some(({ pin }) => pin !== null) ? 1 : 0
    kinds.tied += view.model.tied ? 1 : 0
  }
  for (const [kind, count] of Object.entries(kinds)) t.ok(count > 50, `${kind}: ${count}`)
})

test('plan - covers exactly every layer, within memory and pins, with whole numbers', (t) => {
  const random = seededRandom(8)
  const wrong: string[] = []
  for (let i = 0; i < 600; i++) {
    const view = randomView(random)
    wrong.push(...faultsOf(view, computePlan(view)).map((fault) => `view ${i}: ${fault}`))
  }
  t.alike(wrong, [])
})

function faultsOf({ model, peers }: View, plan: Plan): string[] {
  const faults: string[] = []
  const costs = createCosts(model)
  const byKey = new Map(peers.map((peer) => [peer.key, peer]))
  const pieces = [...plan.stages, ...(plan.stages.length > 0 ? [] : plan.gap)]
  if (plan.stages.length > 0) {
    let next = 0
    for (const { start, end } of pieces) {
      if (start !== next || end <= start) faults.push(`[${start}, ${end}) after ${next}`)
      next = end
    }
    if (next !== model.nLayers) faults.push(`ends at ${next} of ${model.nLayers}`)
  } else if (plan.gap.length === 0) {
    faults.push('neither plan nor gap')
  }
  const used = plan.stages.map(({ peer }) => peer)
  const known = [...used, ...plan.leftOut.map(({ peer }) => peer)]
  if (new Set(known).size !== known.length) faults.push('a peer twice')
  if (plan.stages.length > 0 && known.length !== peers.length) faults.push('a peer forgotten')
  for (const stage of plan.stages) {
    const peer = byKey.get(stage.peer) as ViewPeer
    if (!costs.fits(peer, stage.start, stage.end)) faults.push('too little memory')
    if (peer.pin !== null && !contains(peer.pin, stage)) faults.push('outside a pin')
  }
  const { predicted } = plan
  if (predicted !== null) {
    const numbers = [predicted.tokenUs, predicted.hopUs, ...predicted.perStageUs]
    if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0)) {
      faults.push('a prediction that is not a whole number')
    }
    const sum = predicted.perStageUs.reduce((total, us) => total + us, predicted.hopUs)
    if (Math.abs(predicted.tokenUs - sum) > predicted.perStageUs.length) faults.push('wrong sum')
  }
  return faults
}

test('plan - the same bytes from views whose news came in another order', (t) => {
  // npm run soak -- plan makes a hundred thousand of them.
  const small = planManyTimes(9, 800, 8)
  t.alike(small.wrong, [])
  t.ok(small.different > 700, `${small.different} different plans`)
  t.alike(planManyTimes(10, 8, 16).wrong, [])
})

test('plan - never predicted slower than the best single machine that holds the model', (t) => {
  const random = seededRandom(11)
  let compared = 0
  for (let i = 0; i < 600; i++) {
    const view = randomView(random, { pinned: false })
    const costs = createCosts(view.model)
    const { nLayers } = view.model
    const alone = view.peers.filter((peer) => costs.fits(peer, 0, nLayers))
    if (alone.length === 0) continue
    compared++
    const best = Math.min(...alone.map((peer) => costs.stages(peer).of(0, nLayers)))
    if (ticksOf(view, computePlan(view).stages) > best) t.fail(`view ${i}`)
  }
  t.ok(compared > 200)
})

test('plan - one more machine never raises the predicted time', (t) => {
  const random = seededRandom(12)
  let lowered = 0
  for (let i = 0; i < 600; i++) {
    const view = randomView(random, { peersMax: 6 })
    const [extra] = randomPeers(random, view.model, 1) as [ViewPeer]
    const before = computePlan(view).predicted?.tokenUs ?? Infinity
    const after = computePlan({ ...view, peers: sorted([...view.peers, extra]) })
    const tokenUs = after.predicted?.tokenUs ?? Infinity
    if (tokenUs > before) t.fail(`view ${i}: ${before} to ${tokenUs}`)
    if (tokenUs < before) lowered++
  }
  t.ok(lowered > 100, `lowered ${lowered} times`)
})

test('plan - the largest model on the largest swarm stays within whole numbers', (t) => {
  const random = seededRandom(13)
  const model = { ...randomModel(random, 1), nLayers: 126 }
  model.layerKiB = Array.from({ length: 126 }, () => 16_000_000)
  model.activeKiB = model.layerKiB
  const peers = Array.from({ length: 40 }, () => ({
    ...(randomPeers(random, model, 1)[0] as ViewPeer),
    memoryKiB: Math.floor(modelKiB(model) / 30) + below(random, 1 << 20),
    weightMiBps: 32
  }))
  const plan = computePlan({ model, peers: sorted(peers) })
  t.ok(plan.stages.length > 20)
  t.alike(faultsOf({ model, peers }, plan), [])
})

test('plan - peers that somebody made up cannot keep the event loop busy for long', (t) => {
  const random = seededRandom(14)
  const model = { ...randomModel(random, 1), nLayers: 512 }
  model.layerKiB = Array.from({ length: 512 }, () => 100_000)
  model.activeKiB = model.layerKiB
  const peers = Array.from({ length: 64 }, () => ({
    ...(randomPeers(random, model, 1)[0] as ViewPeer),
    memoryKiB: 2 ** 36,
    weightMiBps: 32 + below(random, 8)
  }))
  const start = process.cpuUsage().user
  const plan = computePlan({ model, peers: sorted(peers) })
  t.alike(faultsOf({ model, peers }, plan), [])
  // 0.4 s here; every order of so many took 15 s.
  t.ok(process.cpuUsage().user - start < 4e6)
})

function sorted(peers: ViewPeer[]): ViewPeer[] {
  return peers.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

test('plan - golden views give these plans and hashes for ever', (t) => {
  const golden: [string, ViewPeer[], string, string][] = [
    ['alone', [peer('a', 16, 20_000)], 'aa:0-31', '76a39f4e52214cbc d4e4ebf91526cf71'],
    [
      'two too small',
      [peer('a', 3, 20_000), peer('b', 6, 10_000)],
      'bb:0-12 aa:13-31',
      '7744d48ad0caafab 1f4c8138a2f0ff01'
    ],
    [
      'three and a spare',
      [peer('a', 2, 48_000), peer('b', 2, 32_000), peer('c', 4, 8192), peer('d', 1, 4096)],
      'cc:0-4 bb:5-19 aa:20-31',
      '4dbde00e06e90af5 68b0415893e04432'
    ],
    [
      'pins and a filler',
      [
        peer('a', 16, 9000, { start: 0, end: 8 }),
        peer('b', 16, 9000, { start: 24, end: 32 }),
        peer('c', 16, 4096)
      ],
      'aa:0-7 cc:8-23 bb:24-31',
      '40d451a7c7d53139 8a5aeab9d7a458ad'
    ],
    ['a gap', [peer('a', 1, 20_000)], '', '1a3825475b6db6ac f23b8354355c6ab1']
  ]
  for (const [name, peers, stages, hashes] of golden) {
    const plan = planOf(...peers)
    t.is(brief(plan), stages, name)
    t.is(`${plan.hash.slice(0, 16)} ${plan.viewHash.slice(0, 16)}`, hashes, name)
  }
})
