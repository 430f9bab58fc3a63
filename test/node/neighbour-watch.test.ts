import test from 'brittle'

import { NeighbourWatch } from '../../src/node/neighbour-watch.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { keyOf } from '../helpers/views.ts'

import type { PeerId } from '../../src/wire/ids.ts'
import type { NeighbourRecord } from '../../src/wire/record.ts'

const A = keyOf('a')
const B = keyOf('b')
const C = keyOf('c')

type Link = { peer: PeerId; lane: 'tcp' | 'udx' | null; rttMs: number | null; upMs: number }

function setUp(self = B) {
  const world = {
    clock: new FakeClock(),
    links: [] as Link[],
    mbps: 900 as number | null,
    measured: [] as PeerId[],
    told: [] as NeighbourRecord[][]
  }
  const watch = new NeighbourWatch({
    self,
    clock: world.clock,
    links: () => world.links,
    measurePath: (peer) => {
      world.measured.push(peer)
      const { mbps } = world
      return Promise.resolve(mbps === null ? null : { rttMs: 0.3, mbps })
    },
    onChange: (neighbours) => world.told.push(neighbours)
  })
  const pass = async (ms: number) => {
    for (let done = 0; done < ms; done += 250) {
      world.clock.advance(250)
      for (let turn = 0; turn < 4; turn++) await Promise.resolve()
    }
  }
  return Object.assign(world, { watch, pass })
}

const link = (peer: PeerId, rttMs: number | null = 0.3, lane: Link['lane'] = 'tcp'): Link => {
  return { peer, lane, rttMs, upMs: 0 }
}

test('neighbour watch - a new link is measured and told once', async (t) => {
  const world = setUp()
  world.links = [link(C)]
  t.ok(world.watch.isSettling)
  await world.pass(5000)
  t.alike(world.measured, [C])
  t.alike(world.told, [[{ peer: C, delayUs: 152, mbps: 861, seenMiBps: 0 }]])
  t.absent(world.watch.isSettling)
})

test('neighbour watch - the lower key measures first, the other one after it', async (t) => {
  const world = setUp()
  world.links = [link(A), link(C)]
  await world.pass(250)
  t.alike(world.measured, [C])
  await world.pass(1000)
  t.alike(world.measured, [C, A])
})

test('neighbour watch - a measurement that came to nothing is tried again after a minute', async (t) => {
  const world = setUp()
  world.links = [link(C)]
  world.mbps = null
  await world.pass(59_000)
  t.is(world.measured.length, 1)
  t.is(world.told.length, 0)
  world.mbps = 900
  await world.pass(2000)
  t.is(world.measured.length, 2)
  t.is(world.told.at(-1)?.[0]?.mbps, 861)
})

test('neighbour watch - links without a lane are none, and are not waited for', async (t) => {
  const world = setUp()
  world.links = [link(C, null, null)]
  await world.pass(5000)
  t.absent(world.watch.isSettling)
  t.alike(world.told, [])
})

test('neighbour watch - a link that answers nothing is not waited for longer than two seconds', async (t) => {
  const world = setUp()
  world.links = [link(C, null)]
  world.mbps = null
  await world.pass(1000)
  t.ok(world.watch.isSettling)
  await world.pass(1500)
  t.absent(world.watch.isSettling)
})

test('neighbour watch - who is gone for ten minutes is told no more', async (t) => {
  const world = setUp()
  world.links = [link(C)]
  await world.pass(1000)
  world.links = []
  await world.pass(9 * 60_000)
  t.is(world.told.length, 1)
  await world.pass(2 * 60_000)
  t.alike(world.told.at(-1), [])
})

test('neighbour watch - what was seen of a stage is told at once, and nothing after the end', async (t) => {
  const world = setUp()
  world.watch.seen(C, 20_000)
  t.is(world.told.at(-1)?.[0]?.seenMiBps, 19_488)
  world.watch.close()
  world.links = [link(A)]
  await world.pass(5000)
  t.is(world.told.length, 1)
})

test('neighbour watch - a lane that comes and goes is measured once a minute at most', async (t) => {
  const world = setUp()
  for (let i = 0; i < 240; i++) {
    world.links = [link(C, 0.3, i % 2 === 0 ? 'tcp' : 'udx')]
    await world.pass(250)
  }
  t.is(world.measured.length, 1)
})
