import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { LayerKeeper, type Holding } from '../../src/node/layer-keeper.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { ToyStage } from '../helpers/toy-stage.ts'
import { TOY } from '../helpers/toy-run.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'

const range = (start: number, end: number): LayerRange => ({ start, end })

/** A stage whose loads are finished, or fail, by the test; notes what each did. */
class SlowStage extends ToyStage {
  readonly notes: string[]
  pending: {
    finish: () => void
    fail: (error: Error) => void
    progress: (done: number) => void
  } | null = null

  constructor(clock: FakeClock, notes: string[]) {
    super({ model: TOY, clock })
    this.notes = notes
  }

  override async load(
    wanted: LayerRange,
    onProgress?: (done: number, total: number) => void,
    signal?: AbortSignal
  ): Promise<void> {
    this.notes.push(`load ${wanted.start}-${wanted.end - 1}`)
    await new Promise<void>((resolve, reject) => {
      const progress = (done: number) => onProgress?.(done, 1000)
      this.pending = { finish: resolve, fail: reject, progress }
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    await super.load(wanted)
  }

  override unload(): Promise<void> {
    this.notes.push('unload')
    return super.unload()
  }
}

function setUp() {
  const clock = new FakeClock()
  const notes: string[] = []
  const stage = new SlowStage(clock, notes)
  const world = {
    clock,
    notes,
    stage,
    changes: [] as Holding[],
    errors: [] as SwarmError[],
    /** Whether sessions run on layers outside the restriction. */
    isBusy: false,
    /** Why no range may be loaded now. */
    shortage: null as SwarmError | null,
    wake: () => {}
  }
  const host = {
    restrict: (keep: LayerRange | null) =>
      void notes.push(keep === null ? 'admit all' : `keep ${keep.start}-${keep.end - 1}`),
    idle: (signal?: AbortSignal) => {
      if (!world.isBusy) return Promise.resolve()
      return new Promise<void>((resolve, reject) => {
        world.wake = resolve
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    },
    evict: () => {
      notes.push('evict')
      world.isBusy = false
    }
  }
  const keeper = new LayerKeeper({
    stage,
    host,
    clock,
    checkMemory: () => {
      if (world.shortage) throw world.shortage
    },
    onChange: (holding) => world.changes.push(holding),
    onError: (error) => world.errors.push(error)
  })
  return Object.assign(world, { keeper })
}

type World = ReturnType<typeof setUp>

/** Everything that can happen without time passing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

async function holding(world: World, held: LayerRange): Promise<void> {
  world.keeper.aim(held)
  await settle()
  world.stage.pending?.finish()
  await settle()
  world.notes.length = 0
  world.changes.length = 0
}

test('layer keeper - loads what is aimed at and tells how far it is, each percent once', async (t) => {
  const { keeper, stage, changes, notes } = setUp()
  keeper.aim(range(2, 5))
  await settle()
  for (const done of [0, 4, 10, 15, 999, 1000]) stage.pending?.progress(done)
  stage.pending?.finish()
  await settle()
  t.alike(
    changes.map(({ loading }) => loading?.percent ?? null),
    [0, 1, 99, 100, null]
  )
  t.alike(changes[0]?.loading?.range, range(2, 5))
  t.alike(keeper.holding, { held: range(2, 5), loading: null })
  t.alike(notes, ['load 2-4', 'admit all'])
})

test('layer keeper - a range that memory does not suffice for is not begun, and tried again', async (t) => {
  const world = setUp()
  world.shortage = new SwarmError('NATIVE_OUT_OF_MEMORY', 'too little')
  world.keeper.aim(range(2, 5))
  await settle()
  t.is(world.errors[0]?.code, 'NATIVE_OUT_OF_MEMORY')
  t.absent(world.notes.includes('load 2-4'))
  world.shortage = null
  world.clock.advance(5000)
  await settle()
  t.ok(world.notes.includes('load 2-4'))
})

test('layer keeper - the same aim again does nothing', async (t) => {
  const world = setUp()
  await holding(world, range(2, 5))
  world.keeper.aim(range(2, 5))
  await settle()
  t.alike(world.notes, [])
})

test('layer keeper - before layers go, no session is admitted on them and running ones end', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  world.keeper.aim(range(3, 8))
  await settle()
  t.alike(world.notes, ['keep 3-5'])
  world.isBusy = false
  world.wake()
  await settle()
  t.alike(world.notes, ['keep 3-5', 'load 3-7'])
  world.stage.pending?.finish()
  await settle()
  t.is(world.notes.at(-1), 'admit all')
})

test('layer keeper - layers that are only added disturb nobody', async (t) => {
  const world = setUp()
  await holding(world, range(2, 4))
  world.isBusy = true
  world.keeper.aim(range(0, 6))
  await settle()
  t.alike(world.notes, ['load 0-5'])
})

test('layer keeper - sessions that do not end are sent elsewhere after ten seconds', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  world.keeper.aim(range(6, 8))
  await settle()
  world.clock.advance(9999)
  await settle()
  t.alike(world.notes, ['keep 0--1'])
  world.clock.advance(1)
  await settle()
  t.alike(world.notes, ['keep 0--1', 'evict', 'load 6-7'])
})

test('layer keeper - aiming at nothing unloads', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.keeper.aim(null)
  await settle()
  t.alike(world.notes, ['keep 0--1', 'unload', 'admit all'])
  t.alike(world.changes, [{ held: null, loading: null }])
})

test('layer keeper - a newer aim replaces one that waits for sessions', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  world.keeper.aim(range(6, 8))
  await settle()
  world.keeper.aim(range(0, 7))
  world.isBusy = false
  world.wake()
  await settle()
  t.alike(world.notes, ['keep 0--1', 'admit all', 'load 0-6'])
})

test('layer keeper - a newer aim during a load is taken up after it', async (t) => {
  const { keeper, stage, notes } = setUp()
  keeper.aim(range(0, 2))
  await settle()
  keeper.aim(range(2, 4))
  keeper.aim(range(4, 6))
  stage.pending?.finish()
  await settle()
  t.alike(notes, ['load 0-1', 'admit all', 'keep 0--1', 'load 4-5'])
  stage.pending?.finish()
  await settle()
  t.alike(stage.held, range(4, 6))
})

test('layer keeper - a load that fails is told and tried again after five seconds', async (t) => {
  const { keeper, stage, errors, clock, notes } = setUp()
  keeper.aim(range(0, 2))
  await settle()
  stage.pending?.fail(new SwarmError('MODEL_CHANGED', 'the file was replaced'))
  await settle()
  t.alike(
    errors.map(({ code }) => code),
    ['MODEL_CHANGED']
  )
  clock.advance(4999)
  await settle()
  t.is(notes.filter((note) => note === 'load 0-1').length, 1)
  clock.advance(1)
  await settle()
  stage.pending?.finish()
  await settle()
  t.alike(stage.held, range(0, 2))
})

test('layer keeper - closing stops a load and loads no more', async (t) => {
  const { keeper, stage, errors, notes } = setUp()
  keeper.aim(range(0, 2))
  await settle()
  await keeper.close()
  keeper.aim(range(2, 4))
  await settle()
  t.is(stage.held, null)
  t.alike(errors, [])
  t.alike(notes, ['load 0-1', 'admit all'])
})

test('layer keeper - closing does not wait for sessions', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  world.isBusy = true
  world.keeper.aim(null)
  await settle()
  await world.keeper.close()
  t.alike(world.stage.held, range(0, 6))
  t.absent(world.notes.includes('unload'))
})
