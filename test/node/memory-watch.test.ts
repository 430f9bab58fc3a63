import test from 'brittle'

import { MemoryWatch } from '../../src/node/memory-watch.ts'
import { FakeClock } from '../helpers/fake-clock.ts'

const GIB = 2 ** 20
const MINUTE_MS = 60_000

function setUp(claimKiB: number) {
  const world = { clock: new FakeClock(), now: claimKiB as number | null, told: [] as number[] }
  const watch = new MemoryWatch({
    clock: world.clock,
    claimKiB,
    claimNow: () => world.now,
    onChange: (claim) => world.told.push(claim)
  })
  return Object.assign(world, { watch })
}

test('memory watch - memory that others took and keep is no longer claimed after five minutes', (t) => {
  const world = setUp(8 * GIB)
  world.now = 6 * GIB
  world.clock.advance(4 * MINUTE_MS)
  t.alike(world.told, [])
  world.clock.advance(MINUTE_MS)
  t.alike(world.told, [6 * GIB])
  t.is(world.watch.claimKiB, 6 * GIB)
})

test('memory watch - what was given back is claimed again', (t) => {
  const world = setUp(6 * GIB)
  world.now = 8 * GIB
  world.clock.advance(5 * MINUTE_MS)
  t.alike(world.told, [8 * GIB])
})

test('memory watch - a program that comes and goes changes nothing', (t) => {
  const world = setUp(8 * GIB)
  for (let i = 0; i < 100; i++) {
    world.now = i % 4 === 0 ? 8 * GIB : 2 * GIB
    world.clock.advance(MINUTE_MS)
  }
  t.alike(world.told, [])
})

test('memory watch - a step more or less changes nothing', (t) => {
  const world = setUp(8 * GIB)
  for (const claim of [8 * GIB - GIB / 4, 8 * GIB + GIB / 4]) {
    world.now = claim
    world.clock.advance(20 * MINUTE_MS)
  }
  t.alike(world.told, [])
})

test('memory watch - the claim follows by what held for all of the time', (t) => {
  const world = setUp(8 * GIB)
  for (const gib of [3, 5, 4, 3, 2]) {
    world.now = gib * GIB
    world.clock.advance(MINUTE_MS)
  }
  t.alike(world.told, [5 * GIB])
})

test('memory watch - while layers are loaded nothing is looked at, and after the end neither', (t) => {
  const world = setUp(8 * GIB)
  world.now = null
  world.clock.advance(20 * MINUTE_MS)
  world.now = 2 * GIB
  world.clock.advance(4 * MINUTE_MS)
  t.alike(world.told, [])
  world.watch.close()
  world.clock.advance(20 * MINUTE_MS)
  t.alike(world.told, [])
})
