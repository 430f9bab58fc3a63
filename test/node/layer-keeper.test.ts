import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { LayerKeeper, type Holding } from '../../src/node/layer-keeper.ts'
import {
  containsAll,
  formatRanges,
  intersect,
  layerCount,
  union,
  type LayerRange
} from '../../src/model/layer-range.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { ToyStage } from '../helpers/toy-stage.ts'
import { TOY } from '../helpers/toy-run.ts'

import type { LoadOptions } from '../../src/compute/stage.ts'
import type { Aim } from '../../src/node/next-move.ts'

const range = (start: number, end: number): LayerRange => ({ start, end })

const text = (ranges: readonly LayerRange[]) => formatRanges(ranges)

/** A stage whose loads are finished, or fail, by the test; notes what each did. */
class SlowStage extends ToyStage {
  readonly notes: string[]
  pending: {
    finish: () => void
    fail: (error: Error) => void
    progress: (done: number) => void
    pace: (() => Promise<void>) | undefined
  } | null = null
  /** What a load that is aborted has read whole. */
  readSoFar: LayerRange[] = []

  constructor(clock: FakeClock, notes: string[]) {
    super({ model: TOY, clock })
    this.notes = notes
  }

  override async load(
    ranges: readonly LayerRange[],
    { onProgress, pace }: LoadOptions = {},
    signal?: AbortSignal
  ): Promise<void> {
    this.notes.push(`load ${text(ranges)}`)
    this.held = intersect(this.held, ranges)
    if (containsAll(this.held, ranges)) return
    try {
      await new Promise<void>((resolve, reject) => {
        const progress = (done: number) => onProgress?.(done, 1000)
        this.pending = { finish: resolve, fail: reject, progress, pace }
        if (signal?.aborted) reject(signal.reason)
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
    } catch (error) {
      this.held = union(this.held, this.readSoFar)
      throw error
    }
    await super.load(ranges)
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
    /** Layers that memory suffices for. */
    room: 100,
    wake: () => {}
  }
  const host = {
    sessions: 0,
    restrict: (keep: readonly LayerRange[] | null) =>
      void notes.push(keep === null ? 'admit all' : `keep ${text(keep)}`),
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
    checkMemory: (ranges) => {
      const count = ranges.reduce((sum, one) => sum + layerCount(one), 0)
      if (count > world.room) throw new SwarmError('NATIVE_OUT_OF_MEMORY', 'too little')
    },
    onChange: (holding) => world.changes.push(holding),
    onError: (error) => world.errors.push(error)
  })
  return Object.assign(world, { keeper, host })
}

type World = ReturnType<typeof setUp>

/** Everything that can happen without time passing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

/** Its own stage in a plan that is not yet held everywhere. */
const toward = (stage: LayerRange | null): Aim => ({ stage, standbys: [], isSettled: false })
/** The same once it is. */
const settled = (stage: LayerRange | null, ...standbys: LayerRange[]): Aim => {
  return { stage, standbys, isSettled: true }
}

async function aim({ keeper }: World, wanted: Aim): Promise<void> {
  keeper.aim(wanted)
  await settle()
}

async function finish({ stage }: World): Promise<void> {
  stage.pending?.finish()
  await settle()
}

async function holding(world: World, held: LayerRange): Promise<void> {
  await aim(world, settled(held))
  await finish(world)
  world.notes.length = 0
  world.changes.length = 0
}

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
  t.alike(world.keeper.holding, { held: [range(2, 5)], stage: range(2, 5), loading: null })
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
  t.alike(world.keeper.holding.stage, range(3, 8))
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
  t.alike(world.keeper.holding.stage, range(0, 6))
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

test('layer keeper - a peer without a stage keeps what it has until the plan stands', async (t) => {
  const world = setUp()
  await holding(world, range(0, 6))
  await aim(world, toward(null))
  t.alike(world.notes, [])
  await aim(world, settled(null))
  t.alike(world.notes, ['keep none', 'load none', 'admit all'])
  t.alike(world.changes.at(-1), { held: [], stage: null, loading: null })
})

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
  t.alike(world.keeper.holding, { held, stage: range(0, 4), loading: null })
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
    if (news[0]?.stage) world.keeper.aim(settled(range(0, 2), range(4, 6)))
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
  await aim(world, settled(null))
  await world.keeper.close()
  t.alike(world.stage.held, [range(0, 6)])
  t.absent(world.notes.includes('load none'))
})
