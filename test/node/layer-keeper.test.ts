// What a peer holds follows the plan: its own stage, and what goes for it. Standbys are in
// layer-keeper-standby.test.ts.

import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
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

import type { Holding } from '../../src/node/layer-keeper.ts'

test('layer keeper - loads what is aimed at and tells how far it is, each percent once', async (t) => {
  const world = setUp()
  await aim(world, toward(range(2, 5)))
  for (const done of [0, 4, 10, 15, 999, 1000]) world.stage.pending?.progress(done)
  await finish(world)
  t.alike(
    world.changes.map(({ loading }) => loading?.percent ?? null),
    [null, 0, 1, 99, 100, null]
  )
  t.alike(world.changes[1]?.loading?.range, range(2, 5))
  t.alike(world.keeper.holding, { held: [range(2, 5)], own: [range(2, 5)], loading: null })
  t.alike(world.notes, ['load 2-4', 'admit all'])
})

test('layer keeper - a stage that memory does not suffice for is not begun, and tried again', async (t) => {
  const world = setUp()
  world.room = 2
  await aim(world, toward(range(2, 5)))
  t.is(world.errors[0]?.code, 'NATIVE_OUT_OF_MEMORY')
  t.absent(world.notes.includes('load 2-4'))
  world.room = 3
  world.clock.advance(5000)
  await settle()
  t.ok(world.notes.includes('load 2-4'))
})

test('layer keeper - the same aim again does nothing', async (t) => {
  const world = setUp()
  await holding(world, range(2, 5))
  await aim(world, settled(range(2, 5)))
  t.alike(world.notes, [])
})

test('layer keeper - a new stage loads beside the old one, which goes once the plan stands', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  await aim(world, toward(range(3, 8)))
  t.alike(world.notes, ['load 0-7'])
  await finish(world)
  t.alike(world.keeper.holding.held, [range(0, 8)])
  t.alike(world.keeper.holding.own, [range(3, 8)])
  await aim(world, settled(range(3, 8)))
  t.is(world.notes.at(-1), 'keep 3-7')
  world.isBusy = false
  world.wake()
  await settle()
  t.alike(world.notes.slice(-3), ['keep 3-7', 'load 3-7', 'admit all'])
  t.alike(world.stage.held, [range(3, 8)])
})

test('layer keeper - what another plan wants of the old layers is not read again', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  await aim(world, toward(range(6, 8)))
  await finish(world)
  await aim(world, toward(range(0, 6)))
  t.alike(world.notes, ['load 0-7', 'admit all'])
  t.alike(world.keeper.holding.own, [range(0, 6)])
})

test('layer keeper - where memory needs it, sessions end and old layers go first', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.room = 7
  world.isBusy = true
  await aim(world, toward(range(3, 8)))
  t.alike(world.notes, ['keep 3-5'])
  world.isBusy = false
  world.wake()
  await settle()
  t.alike(world.notes, ['keep 3-5', 'load 3-7'])
  await finish(world)
  t.is(world.notes.at(-1), 'admit all')
})

test('layer keeper - sessions that do not end are sent elsewhere after ten seconds', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.room = 6
  world.isBusy = true
  await aim(world, toward(range(6, 8)))
  world.clock.advance(9999)
  await settle()
  t.alike(world.notes, ['keep none'])
  world.clock.advance(1)
  await settle()
  t.alike(world.notes, ['keep none', 'evict', 'load 6-7'])
})

test('layer keeper - sessions that cannot go on anyway are sent elsewhere at once', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.room = 6
  world.isBusy = true
  world.isServed = false
  await aim(world, toward(range(6, 8)))
  t.alike(world.notes.slice(0, 2), ['keep none', 'evict'])
  world.wake()
  await finish(world)
  world.notes.length = 0
  world.isBusy = true
  await aim(world, settled([]))
  t.alike(world.notes, ['keep none'], 'what nobody waits for goes in its time')
})

test('layer keeper - where nothing is to come, sessions have the time they need', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  await aim(world, settled(range(0, 4)))
  world.clock.advance(3_600_000)
  await settle()
  t.alike(world.notes, ['keep 0-3'])
  await aim(world, settled(range(0, 6)))
  t.alike(world.notes, ['keep 0-3', 'admit all'], 'wanted again, they never went')
})

test('layer keeper - a peer without a stage keeps what it has until the plan stands', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  await aim(world, toward([]))
  t.alike(world.notes, [])
  await aim(world, settled([]))
  t.alike(world.notes, ['keep none', 'load none', 'admit all'])
  t.alike(world.changes.at(-1), { held: [], own: [], loading: null })
})

test('layer keeper - a newer aim replaces one that waits for sessions', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.room = 7
  world.isBusy = true
  await aim(world, toward(range(6, 8)))
  await aim(world, toward(range(0, 7)))
  t.alike(world.notes, ['keep none', 'admit all', 'load 0-6'])
})

test('layer keeper - a stage that is wanted no more stops loading', async (t) => {
  const world = setUp()
  await aim(world, toward(range(0, 2)))
  world.keeper.aim(toward(range(2, 4)))
  await aim(world, toward(range(4, 6)))
  t.alike(world.notes, ['load 0-1', 'admit all', 'load 4-5'])
  await finish(world)
  t.alike(world.stage.held, [range(4, 6)])
  t.alike(world.errors, [])
})

test('layer keeper - an aim from inside a change is taken up', async (t) => {
  const world = setUp()
  world.changes.push = (...news: Holding[]) => {
    if (news[0]?.own.length) world.keeper.aim(settled(range(0, 2), range(4, 6)))
    return 0
  }
  await aim(world, toward(range(0, 2)))
  await finish(world)
  t.is(world.notes.at(-1), 'load 0-1, 4-5')
})

test('layer keeper - a load that fails is told and tried again after five seconds', async (t) => {
  const world = setUp()
  await aim(world, toward(range(0, 2)))
  world.stage.pending?.fail(new SwarmError('MODEL_CHANGED', 'the file was replaced'))
  await settle()
  t.alike(
    world.errors.map(({ code }) => code),
    ['MODEL_CHANGED']
  )
  world.clock.advance(4999)
  await settle()
  t.is(world.notes.filter((note) => note === 'load 0-1').length, 1)
  world.clock.advance(1)
  await settle()
  await finish(world)
  t.alike(world.stage.held, [range(0, 2)])
})

test('layer keeper - closing stops a load and loads no more', async (t) => {
  const world = setUp()
  await aim(world, toward(range(0, 2)))
  await world.keeper.close()
  await aim(world, toward(range(2, 4)))
  t.alike(world.stage.held, [])
  t.alike(world.errors, [])
  t.alike(world.notes, ['load 0-1', 'admit all'])
})

test('layer keeper - closing does not wait for sessions', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  await aim(world, settled([]))
  await world.keeper.close()
  t.alike(world.stage.held, [range(0, 6)])
  t.absent(world.notes.includes('load none'))
})

test('layer keeper - a stage beyond its memory is read from disk as far as planned', async (t) => {
  const world = setUp()
  world.room = 4
  world.diskRoom = 10
  await aim(world, toward(range(0, 6), 2))
  await finish(world)
  t.alike(world.notes, ['load 0-5, 4,5 on disk', 'admit all'])
  t.alike(world.keeper.holding.held, [range(0, 6)])
  world.notes.length = 0
  world.room = 5
  await aim(world, toward(range(0, 6), 2))
  t.alike(world.notes, [], 'the plan has not changed')
  await aim(world, toward(range(0, 6), 1))
  await finish(world)
  t.alike(world.notes, ['load 0-5, 5 on disk', 'admit all'], 'there is more memory')
  world.room = 3
  await aim(world, toward(range(0, 6), 3))
  await finish(world)
  t.is(world.notes.at(-2), 'load 0-5, 3,4,5 on disk', 'there is less')
  world.notes.length = 0
  await aim(world, toward(range(0, 6), 1))
  t.alike(world.notes, [], 'a plan for memory that is not there')
  await aim(world, settled(range(1, 4)))
  await finish(world)
  t.alike(world.notes.slice(-2), ['load 1-3', 'admit all'], 'a smaller stage is in memory')
  t.alike(world.stage.onDisk, [])
  t.alike(world.errors, [])
})

test('layer keeper - several stages are loaded as one, and from disk as far as planned', async (t) => {
  const world = setUp()
  world.room = 3
  world.diskRoom = 10
  const own = [range(0, 2), range(4, 6), range(8, 10)]
  await aim(world, toward(own, 3))
  t.alike(world.keeper.holding.loading?.range, range(0, 2), 'the first that is not there')
  await finish(world)
  t.alike(world.notes, ['load 0-1, 4-5, 8-9, 5,8,9 on disk', 'admit all'])
  t.alike(world.keeper.holding, { held: own, own, loading: null })
  world.notes.length = 0
  world.room = 4
  await aim(world, toward(own, 2))
  await finish(world)
  t.alike(world.notes, ['load 0-1, 4-5, 8-9, 8,9 on disk', 'admit all'], 'there is more memory')
  await aim(world, settled(range(0, 4)))
  await finish(world)
  t.alike(world.stage.held, [range(0, 4)])
  t.alike(world.errors, [])
})

test('layer keeper - what memory does not suffice for goes before layers from disk come', async (t) => {
  const world = setUp()
  world.room = 5
  world.diskRoom = 10
  await holding(world, range(0, 5))
  await aim(world, toward(range(4, 10)))
  t.alike(world.notes, ['keep 4-4', 'load 4-9, 9 on disk'])
})

test('layer keeper - layers that only go do so whether or not there is memory for the rest', async (t) => {
  const world = setUp()
  world.room = 2
  world.diskRoom = 10
  await holding(world, range(0, 6))
  world.diskRoom = 0
  await aim(world, settled(range(0, 4)))
  t.is(world.notes.at(-1), 'load 0-3, 2,3 on disk')
})

test('layer keeper - a standby is never read from disk', async (t) => {
  const world = setUp()
  world.room = 4
  world.diskRoom = 10
  await aim(world, settled(range(0, 3), range(5, 8)))
  await finish(world)
  t.alike(world.notes, ['load 0-2', 'admit all'])
})
