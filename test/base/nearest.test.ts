import test from 'brittle'
import { countSlips, nearest } from '../../src/base/nearest.ts'

test('nearest - slips are insertions, deletions, replacements and swaps', (t) => {
  const cases: [string, string, number][] = [
    ['', '', 0],
    ['run', 'run', 0],
    ['rn', 'run', 1],
    ['ruun', 'run', 1],
    ['rum', 'run', 1],
    ['rnu', 'run', 1],
    ['stats', 'status', 1],
    ['genrtae', 'generate', 2],
    ['abc', 'xyz', 3]
  ]
  for (const [a, b, slips] of cases) {
    t.is(countSlips(a, b), slips, `${a} ${b}`)
    t.is(countSlips(b, a), slips, `${b} ${a}`)
  }
})

test('nearest - short words tolerate one slip, long ones two', (t) => {
  t.is(nearest('rnu', ['run', 'join']), 'run')
  t.is(nearest('xun', ['run']), 'run')
  t.is(nearest('xxn', ['run']), null)
  t.is(nearest('pears', ['peers', 'plan']), 'peers')
  t.is(nearest('boot', ['bootstrap']), 'bootstrap')
  t.is(nearest('bo', ['bootstrap']), null)
})
