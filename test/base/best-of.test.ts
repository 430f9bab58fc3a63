// The bounded heap against a sort of everything.

import test from 'brittle'
import { BestOf } from '../../src/base/best-of.ts'
import { seededRandom } from '../../src/base/random.ts'

const isBefore = (a: number, b: number): boolean => a > b

test('best of - keeps what a sort would put first, for every limit and length', (t) => {
  const random = seededRandom(1)
  for (let length = 0; length < 40; length++) {
    const items = Array.from({ length }, () => random.uint32() % 30)
    const sorted = items.toSorted((a, b) => b - a)
    for (let limit = 0; limit < 45; limit += 3) {
      const best = new BestOf(limit, isBefore)
      for (const item of items) best.offer(item)
      t.alike(best.sorted(), sorted.slice(0, limit))
    }
  }
})

test('best of - names the worst that it keeps only once it is full', (t) => {
  const best = new BestOf<number>(2, isBefore)
  best.offer(5)
  t.is(best.worst, undefined)
  best.offer(9)
  t.is(best.worst, 5)
  best.offer(7)
  t.is(best.worst, 7)
})
