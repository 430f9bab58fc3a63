import { accuracyOf, isHeldOut, PROPOSERS, readCases } from '../../bench/shell-accuracy.ts'
import { normalised } from '../../src/shell/rules/command-line.ts'
import { dataTest } from '../helpers/data.ts'

dataTest(
  'accuracy - rules alone propose an accepted fix first in 40 of 100 held-out cases',
  {},
  (t) => {
    const cases = readCases()
    const heldOut = cases.filter(({ command }) => isHeldOut(command))
    t.ok(heldOut.length > 60 && heldOut.length < cases.length)
    const rules = PROPOSERS['rules alone'] ?? t.fail('no rules')
    if (!rules) return
    for (const part of [cases, heldOut]) {
      const { first, cases: count } = accuracyOf(part, cases, rules)
      t.ok(first >= 0.4 * count, `${first} of ${count}`)
    }
  }
)

dataTest('accuracy - with the other failures learnt, 55 of 100 within the first three', {}, (t) => {
  const cases = readCases()
  const both = PROPOSERS['both'] ?? t.fail('no memory')
  if (!both) return
  const { three, cases: count } = accuracyOf(cases, cases, both)
  t.ok(three >= 0.55 * count, `${three} of ${count}`)
})

dataTest('accuracy - no command is in the cases twice, nor in its own memory', {}, (t) => {
  const cases = readCases()
  t.is(new Set(cases.map(({ command }) => normalised(command))).size, cases.length)
  const seen: string[] = []
  accuracyOf(cases.slice(0, 5), cases, (one, others) => {
    t.is(others.length, cases.length - 1)
    t.absent(others.some(({ command }) => normalised(command) === normalised(one.command)))
    seen.push(one.command)
    return one.fix
  })
  t.is(seen.length, 5)
})

dataTest('accuracy - a proposer that is always right or always wrong is seen to be', {}, (t) => {
  const cases = readCases()
  const count = cases.length
  t.alike(
    accuracyOf(cases, cases, (one) => one.fix),
    { cases: count, first: count, three: count }
  )
  t.alike(
    accuracyOf(cases, cases, () => ['no such fix']),
    { cases: count, first: 0, three: 0 }
  )
  const last = accuracyOf(cases, cases, (one) => ['a', 'b', one.fix[0] ?? ''])
  t.alike(last, { cases: count, first: 0, three: count })
})
