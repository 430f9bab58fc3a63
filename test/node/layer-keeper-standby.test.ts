// Layers that a peer holds for others: after its own stage, at leisure, and never in its way.

import test from 'brittle'

import {
  aim,
  finish,
  holding,
  range,
  setUp,
  settle,
  settled,
  toward
} from '../helpers/keeper-world.ts'

test('layer keeper - a standby comes once the plan stands, and is no stage', async (t) => {
  const world = setUp()
  const standby = range(6, 8)
  await aim(world, { ...toward(range(0, 4)), standbys: [standby] })
  await finish(world)
  t.alike(world.notes, ['load 0-3', 'admit all'])
  await aim(world, settled(range(0, 4), standby))
  t.alike(world.notes.slice(2), ['load 0-3, 6-7'])
  t.alike(world.keeper.holding.loading?.range, standby)
  await finish(world)
  const held = [range(0, 4), standby]
  t.alike(world.keeper.holding, { held, own: [range(0, 4)], loading: null })
})

test('layer keeper - a standby reads at leisure while sessions run, a stage never waits', async (t) => {
  const world = setUp()
  await aim(world, toward(range(0, 4)))
  t.is(world.stage.pending?.pace, undefined)
  await finish(world)
  await aim(world, settled(range(0, 4), range(6, 8)))
  let isPaced = false
  const pace = async () => {
    isPaced = false
    await world.stage.pending?.pace?.()
    isPaced = true
  }
  void pace()
  await settle()
  t.is(isPaced, true, 'nobody computes here')
  world.host.sessions = 1
  void pace()
  world.clock.advance(19)
  await settle()
  t.is(isPaced, false)
  world.clock.advance(1)
  await settle()
  t.is(isPaced, true)
})

test('layer keeper - a new stage does not wait for a standby that loads', async (t) => {
  const world = setUp()
  await holding(world, range(0, 4))
  await aim(world, settled(range(0, 4), range(6, 10)))
  world.stage.readSoFar = [range(6, 7)]
  await aim(world, toward(range(6, 8)))
  t.alike(world.notes, ['load 0-3, 6-9', 'admit all', 'load 0-3, 6-7'])
  t.alike(world.stage.held, [range(0, 4), range(6, 7)], 'what was read whole stays')
})

test('layer keeper - a plan that wants the same standby lets it load on', async (t) => {
  const world = setUp()
  await holding(world, range(0, 4))
  await aim(world, settled(range(0, 4), range(6, 10)))
  await aim(world, { ...toward(range(0, 4)), standbys: [range(10, 12), range(6, 10)] })
  t.alike(world.notes, ['load 0-3, 6-9'])
  await finish(world)
  t.alike(world.stage.held, [range(0, 4), range(6, 10)])
})

test('layer keeper - standbys go first when the stage needs the memory, the old stage after', async (t) => {
  const world = setUp()
  await holding(world, range(0, 4))
  await aim(world, settled(range(0, 4), range(8, 12)))
  await finish(world)
  world.room = 8
  await aim(world, toward(range(4, 8)))
  t.is(world.notes.at(-1), 'load 0-7')
  await finish(world)
  world.room = 6
  await aim(world, toward(range(8, 12)))
  t.is(world.notes.at(-1), 'load 8-11')
})

test('layer keeper - a standby without room is left out, and tried a minute later', async (t) => {
  const world = setUp()
  await holding(world, range(0, 4))
  world.room = 6
  await aim(world, settled(range(0, 4), range(4, 8), range(8, 10)))
  await finish(world)
  t.alike(world.stage.held, [range(0, 4), range(8, 10)], 'the one behind it fits')
  t.alike(world.errors, [])
  world.room = 10
  world.clock.advance(60_000)
  await settle()
  t.is(world.notes.at(-1), 'load 0-9')
})

test('layer keeper - no session is sent elsewhere for a standby', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.room = 6
  world.isBusy = true
  await aim(world, settled(range(0, 2), range(8, 12)))
  world.clock.advance(3_600_000)
  await settle()
  t.alike(world.notes, ['keep 0-1'])
  world.isBusy = false
  world.wake()
  await settle()
  t.alike(world.notes, ['keep 0-1', 'load 0-1, 8-11'])
})
