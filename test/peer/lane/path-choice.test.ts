import test from 'brittle'

import {
  BETTER_FACTOR,
  GAIN_MIN_MS,
  WINS_NEEDED,
  judgePath,
  type PathVerdict
} from '../../../src/peer/lane/path-choice.ts'

const LAST = WINS_NEEDED - 1

test('path choice - only a clear gain counts, and only when it is seen again and again', (t) => {
  const table: [string, number, number | null, number, PathVerdict][] = [
    ['a cable beside Wi-Fi, first round', 0, 4, 0.2, 'again'],
    ['a cable beside Wi-Fi, last round', LAST, 4, 0.2, 'move'],
    ['a cable beside Wi-Fi that stuttered', LAST, 4, 4.5, 'keep'],
    ['a VPN over the same cable', LAST, 0.2, 0.6, 'keep'],
    ['the same path by another address', LAST, 0.2, 0.2, 'keep'],
    ['exactly the factor', LAST, 3, 3 / BETTER_FACTOR, 'move'],
    ['just below the factor', LAST, 3, 3 / BETTER_FACTOR + 0.001, 'keep'],
    ['a large factor of nothing', LAST, 0.2, 0.02, 'keep'],
    ['exactly the least gain', LAST, 2 * GAIN_MIN_MS, GAIN_MIN_MS, 'move'],
    ['a slow way to the moon, slightly better', LAST, 2600, 2500, 'keep'],
    ['anything, where there is no lane', 0, null, 300, 'move']
  ]
  for (const [name, wins, usedMs, spareMs, verdict] of table) {
    t.is(judgePath(wins, usedMs, spareMs), verdict, name)
  }
})

test('path choice - two paths cannot take over from each other in turn', (t) => {
  for (const one of [0.05, 0.2, 1, 5, 200]) {
    for (const other of [0.05, 0.2, 1, 5, 200]) {
      const there = judgePath(LAST, one, other) === 'move'
      const back = judgePath(LAST, other, one) === 'move'
      t.absent(there && back, `${one} ms and ${other} ms`)
    }
  }
})
