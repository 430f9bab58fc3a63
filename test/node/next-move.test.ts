// Which change is next, for random aims and holdings: followed to the end it leads to the aim, never over
// what there is room for, and never through a loss that was not needed.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import {
  containsAll,
  intersect,
  layerCount,
  normalise,
  sameLayers,
  type LayerRange
} from '../../src/model/layer-range.ts'
import { nextMove, wantedBy, type Aim } from '../../src/node/next-move.ts'

const N_LAYERS = 12
const random = seededRandom(5)

function randomRange(): LayerRange {
  const start = below(random, N_LAYERS)
  return { start, end: start + 1 + below(random, Math.min(4, N_LAYERS - start)) }
}

function randomAim(): Aim {
  const own = normalise(Array.from({ length: below(random, 4) }, randomRange))
  const standbys = Array.from({ length: below(random, 3) }, randomRange)
  return { own, onDisk: 0, standbys, isSettled: below(random, 2) === 0 }
}

const countOf = (ranges: readonly LayerRange[]) =>
  ranges.reduce((sum, range) => sum + layerCount(range), 0)

interface Step {
  held: LayerRange[]
  aim: Aim
  before: LayerRange[]
  room: number
}

function randomStep(): Step {
  const held = normalise(Array.from({ length: below(random, 3) }, randomRange))
  const before = held.slice(below(random, held.length + 1))
  return { held, aim: randomAim(), before, room: countOf(held) + below(random, 6) }
}

const steps = Array.from({ length: 3000 }, randomStep)
const moveOf = ({ held, aim, before, room }: Step) =>
  nextMove(aim, held, before, (ranges) => countOf(ranges) <= room)

test('next move - followed to the end it arrives, and stays', (t) => {
  let arrived = 0
  for (const step of steps) {
    let { held } = step
    const room = N_LAYERS
    for (let i = 0; i < 10; i++) {
      const move = moveOf({ ...step, held, room })
      if (move === null) break
      held = move.ranges
    }
    t.is(moveOf({ ...step, held, room }), null)
    const { aim } = step
    t.ok(containsAll(held, aim.own))
    if (aim.isSettled) t.ok(sameLayers(held, wantedBy(aim)))
    if (aim.isSettled && aim.standbys.length > 0) arrived++
  }
  t.ok(arrived > 300, `${arrived} with standbys`)
})

test('next move - nothing goes before the plan stands while there is room', (t) => {
  for (const step of steps) {
    const move = moveOf({ ...step, room: N_LAYERS, aim: { ...step.aim, isSettled: false } })
    if (move !== null) t.ok(containsAll(move.ranges, step.held))
  }
})

test('next move - a stage comes before standbys, and nothing exceeds the room but a stage alone', (t) => {
  let dropped = 0
  for (const step of steps) {
    const { held, aim, room } = step
    const move = moveOf(step)
    if (move === null) continue
    const { own } = aim
    if (!containsAll(held, own)) t.alike([move.wanted, move.isStandby], [own, false])
    if (countOf(move.ranges) > room) t.ok(sameLayers(move.ranges, own))
    t.ok(containsAll(move.ranges, intersect(held, own)), 'what the stage has of them stays')
    if (!containsAll(move.ranges, held) && !aim.isSettled) dropped++
  }
  t.ok(dropped > 100, `${dropped} moves had to make room`)
})

test('next move - standbys that were there go before the stage that was', (t) => {
  const range = (start: number, end: number) => ({ start, end })
  const held = [range(0, 3), range(8, 11)]
  const aim = { own: [range(4, 6)], onDisk: 0, standbys: [], isSettled: false }
  const after = (room: number) => moveOf({ held, aim, before: [range(0, 3)], room })?.ranges
  t.alike(after(8), [range(0, 3), range(4, 6), range(8, 11)])
  t.alike(after(7), [range(0, 3), range(4, 6)])
  t.alike(after(4), [range(4, 6)])
})
