import {
  accuracyOf,
  isHeldOut,
  proposersOf,
  readCases,
  silent,
  type FailureCase,
  type Proposer
} from '../../bench/shell-accuracy.ts'
import { FixMemory } from '../../bench/shell-memory.ts'
import { normalised } from '../../src/shell/rules/command-line.ts'
import { dataTest } from '../helpers/data.ts'

const held = ({ command }: FailureCase): boolean => isHeldOut(command)

dataTest('accuracy - rules alone propose an accepted fix first in 40 of 100 cases', {}, (t) => {
  for (const cases of [readCases(), silent(readCases())]) {
    const rules = proposersOf(cases)['rules alone'] as Proposer
    for (const isCounted of [() => true, held]) {
      const { first, cases: count } = accuracyOf(cases, rules, isCounted)
      t.ok(count > 60 && first >= 0.4 * count, `${first} of ${count}`)
    }
  }
})

dataTest('accuracy - with the others learnt, 55 of 100 are within the first three', {}, (t) => {
  for (const cases of [readCases(), silent(readCases())]) {
    const both = proposersOf(cases)['both'] as Proposer
    for (const isCounted of [() => true, held]) {
      const { three, cases: count } = accuracyOf(cases, both, isCounted)
      t.ok(three >= 0.55 * count, `${three} of ${count}`)
    }
  }
})

dataTest('accuracy - rules and memory together are better than either', {}, (t) => {
  const cases = readCases()
  const { 'rules alone': rules, 'memory alone': memory, both } = proposersOf(cases)
  const [a, b, c] = [rules, memory, both].map((one) => accuracyOf(cases, one as Proposer).three)
  t.ok((c as number) > Math.max(a as number, b as number), `${a}, ${b}, ${c}`)
})

dataTest('accuracy - no command is in the cases twice', {}, (t) => {
  const cases = readCases()
  t.is(new Set(cases.map(({ command }) => normalised(command))).size, cases.length)
  const count = cases.filter(held).length
  t.ok(count > 60 && count < cases.length - 60, 'both halves have cases')
})

dataTest('accuracy - a proposer that is always right or always wrong is seen to be', {}, (t) => {
  const cases = readCases()
  const count = cases.length
  const fixOf = (at: number): string[] => cases[at]?.fix ?? []
  t.alike(accuracyOf(cases, fixOf), { cases: count, first: count, three: count })
  t.alike(
    accuracyOf(cases, () => ['no such fix']),
    { cases: count, first: 0, three: 0 }
  )
  const last = accuracyOf(cases, (at) => ['a', 'b', ...fixOf(at)])
  t.alike(last, { cases: count, first: 0, three: count })
})

dataTest('accuracy - the memory does not hold the case that is asked', {}, (t) => {
  const memory = new FixMemory([
    { question: '$ alpha one\nexit 1', answer: 'a' },
    { question: '$ alpha two\nexit 1', answer: 'b' }
  ])
  t.alike(
    memory.ask('$ alpha one', 9, 0).map(({ answer }) => answer),
    ['b']
  )
  t.alike(
    memory.ask('$ alpha one', 9, 1).map(({ answer }) => answer),
    ['a']
  )
})
