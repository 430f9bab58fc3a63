import test from 'brittle'

import { Filling, planFills } from '../../src/pipeline/fills.ts'
import { evenChunking } from '../../src/sharding/chunking.ts'

/** `cached kept-start kept-end` of each stage. */
function standpoints(...stages: [number, number, number][]) {
  return stages.map(([cachedTokens, keptStart, keptEnd]) => ({ cachedTokens, keptStart, keptEnd }))
}

test('fills - stages that have everything need nothing', (t) => {
  t.alike(planFills(standpoints([9, 0, 9], [9, 0, 9], [12, 0, 0]), 9), [])
})

test('fills - the nearest stage that kept its outputs gives them again', (t) => {
  const all = standpoints([9, 0, 9], [9, 0, 9], [0, 0, 0], [9, 0, 0])
  t.alike(planFills(all, 9), [{ source: 1, stop: 2, start: 0, end: 9 }])
})

test('fills - only what is missing is computed again', (t) => {
  t.alike(planFills(standpoints([9, 0, 9], [4, 0, 4], [9, 0, 0]), 9), [
    { source: 0, stop: 1, start: 4, end: 9 }
  ])
})

test('fills - where nobody kept enough the ids are sent again, to all on the way', (t) => {
  const some = standpoints([9, 3, 9], [9, 0, 5], [0, 0, 0])
  t.alike(planFills(some, 9), [{ source: -1, stop: 2, start: 0, end: 9 }])
  t.alike(planFills(standpoints([0, 0, 0], [9, 0, 9], [9, 0, 0]), 9), [
    { source: -1, stop: 0, start: 0, end: 9 }
  ])
})

test('fills - a stage that lacks positions itself is no source', (t) => {
  const two = standpoints([9, 0, 9], [5, 0, 9], [0, 0, 0])
  t.alike(planFills(two, 9), [{ source: 0, stop: 2, start: 0, end: 9 }])
})

test('fills - two lost stages with a living one between them fill at the same time', (t) => {
  const all = standpoints([9, 0, 9], [0, 0, 0], [9, 0, 9], [0, 0, 0])
  t.alike(planFills(all, 9), [
    { source: 2, stop: 3, start: 0, end: 9 },
    { source: 0, stop: 1, start: 0, end: 9 }
  ])
})

test('fills - every lacking stage is in exactly one fill, which begins where it lacks', (t) => {
  const values = [0, 4, 9]
  for (let code = 0; code < 3 ** 6; code++) {
    const digit = (at: number) => values[Math.floor(code / 3 ** at) % 3] as number
    const all = standpoints([digit(0), 0, digit(1)], [digit(2), 0, digit(3)], [digit(4), 0, 0])
    const fills = planFills(all, 9)
    for (const [index, { cachedTokens }] of all.entries()) {
      const mine = fills.filter(({ source, stop }) => source < index && index <= stop)
      if (cachedTokens < 9 && mine.length !== 1) t.fail(`stage ${index} of ${JSON.stringify(all)}`)
      if (mine.some(({ start }) => start > cachedTokens)) t.fail(`too late: ${JSON.stringify(all)}`)
    }
    for (const { source, start, end } of fills) {
      const { keptStart, keptEnd } = all[source] ?? { keptStart: 0, keptEnd: 9 }
      if (keptStart > start || keptEnd < end) t.fail(`not kept: ${JSON.stringify(all)}`)
    }
  }
  t.pass('of 729 routes')
})

test('filling - all fills run at once, each at the pace of its stages', (t) => {
  const filling = new Filling(
    [
      { source: 2, stop: 3, start: 0, end: 9 },
      { source: -1, stop: 0, start: 0, end: 4 }
    ],
    evenChunking(4)
  )
  t.is(filling.nTokens, 13)
  const spans = [...filling.take()].map(({ stop, position, end }) => `${stop}:${position}-${end}`)
  t.alike(spans, ['3:0-4', '3:4-7', '0:0-4'])
  t.ok(filling.endsAt(3))
  t.absent(filling.endsAt(1))
  t.absent(filling.done(1, 4), 'no fill ends there')
  t.ok(filling.done(0, 4))
  t.ok(filling.done(3, 4))
  t.alike([...filling.take()], [{ source: 2, stop: 3, position: 7, end: 9 }])
  t.absent(filling.isOver)
  t.ok(filling.done(3, 7) && filling.done(3, 9))
  t.ok(filling.isOver)
})
