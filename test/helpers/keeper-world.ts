// A layer keeper on a stage whose loads end when the test says so, with a host that notes what it is told.

import { LAYER_PARTS, layersOf, partsOf } from '../../src/model/layer-part.ts'
import { SwarmError } from '../../src/base/errors.ts'
import {
  containsAll,
  formatRanges,
  intersect,
  union,
  type LayerRange
} from '../../src/model/layer-range.ts'
import { LayerKeeper, type Holding } from '../../src/node/layer-keeper.ts'
import { FakeClock } from './fake-clock.ts'
import { TOY } from './toy-run.ts'
import { ToyStage } from './toy-stage.ts'

import type { LoadOptions } from '../../src/compute/stage.ts'
import type { Aim } from '../../src/node/next-move.ts'

export const range = (start: number, end: number): LayerRange => ({ start, end })

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
    { onDisk = [], onProgress, pace }: LoadOptions = {},
    signal?: AbortSignal
  ): Promise<void> {
    const fromDisk = onDisk.length === 0 ? '' : `, ${layersOf(onDisk).join()} on disk`
    this.notes.push(`load ${formatRanges(ranges)}${fromDisk}`)
    this.held = intersect(this.held, ranges)
    const isRead = containsAll(this.held, ranges) && onDisk.join() === this.onDisk.join()
    this.onDisk = onDisk
    if (isRead) return
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

export function setUp() {
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
    /** Layers beyond these that may stay on disk. */
    diskRoom: 0,
    isServed: true,
    wake: () => {}
  }
  const host = {
    sessions: 0,
    restrict: (keep: readonly LayerRange[] | null) =>
      void notes.push(keep === null ? 'admit all' : `keep ${formatRanges(keep)}`),
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
    arrange: (ranges, mayStream) => {
      const layers = ranges.flatMap(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => start + i)
      )
      if (layers.length > world.room + (mayStream ? world.diskRoom : 0)) {
        throw new SwarmError('NATIVE_OUT_OF_MEMORY', 'too little')
      }
      return partsOf(layers.slice(world.room))
    },
    isServed: () => world.isServed,
    onChange: (holding) => world.changes.push(holding),
    onError: (error) => world.errors.push(error)
  })
  return Object.assign(world, { keeper, host })
}

type World = ReturnType<typeof setUp>

/** Everything that can happen without time passing. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve()
}

/** Its own stages, so many layers of them on disk, in a plan that is not yet held everywhere. */
export const toward = (own: LayerRange | LayerRange[], onDisk = 0): Aim => {
  return { own: [own].flat(), onDisk: LAYER_PARTS * onDisk, standbys: [], isSettled: false }
}
/** The same once it is. */
export const settled = (own: LayerRange | LayerRange[], ...standbys: LayerRange[]): Aim => {
  return { own: [own].flat(), onDisk: 0, standbys, isSettled: true }
}

export async function aim({ keeper }: World, wanted: Aim): Promise<void> {
  keeper.aim(wanted)
  await settle()
}

export async function finish({ stage }: World): Promise<void> {
  stage.pending?.finish()
  await settle()
}

export async function holding(world: World, held: LayerRange): Promise<void> {
  await aim(world, settled(held))
  await finish(world)
  world.notes.length = 0
  world.changes.length = 0
}
