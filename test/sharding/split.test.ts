// One order of peers: a limit changes no way that is within it, and what is known of the rest is never too
// much.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { createRest } from '../../src/sharding/rest.ts'
import { splitInOrder } from '../../src/sharding/split.ts'
import { withDisks } from '../../src/sharding/stream.ts'
import { mixedView } from '../helpers/plan-runs.ts'
import { shuffled, withScarceMemory } from '../helpers/views.ts'

import type { RouteStage } from '../../src/wire/session.ts'

/** Random views, every other one with too little memory and with disks. */
function* views(seed: number, count: number) {
  const random = seededRandom(seed)
  for (let i = 0; i < count; i++) {
    const roomy = mixedView(random, 8)
    const view = i % 2 === 0 ? roomy : withScarceMemory(random, roomy, 40 + below(random, 60))
    const plain = createCosts(view.model)
    const order = shuffled(random, view.peers)
    yield {
      random,
      order,
      costs: i % 2 === 0 ? plain : withDisks(plain),
      hopTicks: createHops(view.model, view.peers).ticksMin
    }
  }
}

test('split - within a limit the same way, and none where all take longer', (t) => {
  let nFound = 0
  for (const { costs, hopTicks, order } of views(21, 300)) {
    const free = splitInOrder(costs, hopTicks, order, [])
    if (free === null) return t.fail('without a limit there is always something')
    if (free.missing.length > 0) continue
    nFound++
    const ticksOf = ({ peer, start, end }: RouteStage) => {
      const one = order.find(({ key }) => key === peer)
      return one === undefined ? NaN : costs.stages(one).of(start, end) + hopTicks
    }
    const ticks = free.stages.map(ticksOf).reduce((sum, one) => sum + one, 0)
    const rest = createRest(costs, hopTicks, order)
    const limited = (most: number) =>
      splitInOrder(costs, hopTicks, order, [], { ticks: most, rest })
    for (const most of [ticks, ticks + 1, 2 * ticks, 100 * ticks]) {
      if (JSON.stringify(limited(most)) !== JSON.stringify(free))
        t.fail(`${most / ticks} of ${ticks}`)
    }
    if (limited(ticks - 1) !== null) t.fail('more than allowed')
  }
  t.ok(nFound > 150, `${nFound} whole ones`)
})

test('rest - whoever has the last layers takes no less', (t) => {
  let nCompared = 0
  let nNear = 0
  for (const { costs, hopTicks, order, random } of views(22, 1000)) {
    const rest = createRest(costs, hopTicks, order)(new Set(order))
    const start = below(random, costs.nLayers)
    let ticks = 0
    let layer = start
    for (const peer of order) {
      let most = layer
      while (most < costs.nLayers && costs.fits(peer, layer, most + 1)) most++
      // Streaming needs several layers: one may not fit where three do.
      for (let end = most + 1; end <= costs.nLayers; end++) {
        if (costs.fits(peer, layer, end)) most = end
      }
      if (most === layer) continue
      const end = below(random, 3) === 0 ? most : layer + 1 + below(random, most - layer)
      if (!costs.fits(peer, layer, end)) continue
      ticks += costs.stages(peer).of(layer, end) + hopTicks
      layer = end
      if (layer === costs.nLayers) break
    }
    if (layer < costs.nLayers) continue
    nCompared++
    const least = rest[start] as number
    if (least > ticks) t.fail(`${least} where ${ticks} suffice`)
    if (least > 0.8 * ticks) nNear++
  }
  t.ok(nCompared > 200 && nNear > 20, `${nCompared} compared, ${nNear} of them near`)
})

test('rest - nobody is left, or nothing', (t) => {
  for (const { costs, hopTicks, order } of views(23, 2)) {
    const rest = createRest(costs, hopTicks, order)
    const none = rest(new Set())
    t.is(none.at(-1), 0)
    t.ok(none.slice(0, -1).every((ticks) => ticks === Infinity))
    const all = rest(new Set(order))
    t.is(all.length, costs.nLayers + 1)
    t.ok(all.every((ticks, layer) => layer === 0 || ticks <= (all[layer - 1] as number)))
  }
})
