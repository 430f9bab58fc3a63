// How often the first, or one of the first three, proposed commands is an accepted fix: rules alone, the
// memory alone and both, with the captured output and without, on shared data/shell-failures. The memory
// holds the fixes of all other commands, learnt by another peer; never one of the same command.
//
// Half of the cases (first bit of the sha256 of the command is 1) is held out: rules were written without
// ever reading them. Only totals are printed of that half, and no case of it by itself.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'

import { FIXES_ASKED_MAX } from '../src/base/shell-limits.ts'
import type { Failure } from '../src/shell/failure.ts'
import { normalised } from '../src/shell/rules/command-line.ts'
import { propose } from '../src/shell/rules/propose.ts'
import { questionOf } from '../src/shell/why-question.ts'
import { rankProposals } from '../src/shell/why-rank.ts'
import { dataPath } from '../test/helpers/data.ts'
import { MACHINE_COMMANDS } from './shell-commands.ts'
import { FixMemory } from './shell-memory.ts'

export interface FailureCase {
  rule: string
  command: string
  output: string | null
  fix: string[]
}

/** Of a number of cases, how many had an accepted fix first and among the first three. */
export interface Accuracy {
  cases: number
  first: number
  three: number
}

export const MACHINE = { commands: MACHINE_COMMANDS, entries: () => [] }

/** The fix cases, the first of each command. */
export function readCases(): FailureCase[] {
  const path = dataPath('shell-failures', 'cases.json')
  const { fix } = JSON.parse(readFileSync(path, 'utf8')) as { fix: FailureCase[] }
  const cases = new Map<string, FailureCase>()
  for (const one of fix) {
    const key = normalised(one.command)
    if (!cases.has(key)) cases.set(key, one)
  }
  return [...cases.values()]
}

export function isHeldOut(command: string): boolean {
  return ((createHash('sha256').update(command).digest()[0] as number) & 0x80) !== 0
}

/** The same cases as if nothing had captured their output. */
export function silent(cases: readonly FailureCase[]): FailureCase[] {
  return cases.map((one) => ({ ...one, output: null }))
}

/** Commands for the case of this number, best first. */
export type Proposer = (at: number) => string[]

/** What is measured, over all cases; the data does not say the status. */
export function proposersOf(cases: readonly FailureCase[]): Record<string, Proposer> {
  const failures = cases.map(failureOf)
  const questions = failures.map(questionOf)
  const memory = new FixMemory(
    questions.map((question, at) => ({ question, answer: cases[at]?.fix[0] ?? '' }))
  )
  const ranked = (at: number) => {
    const hits = memory.ask(questions[at] as string, FIXES_ASKED_MAX, at)
    return rankProposals({ failure: failures[at] as Asked, hits, machine: MACHINE, sentinel: null })
  }
  return {
    'rules alone': (at) => propose(failures[at] as Asked, MACHINE).map(({ command }) => command),
    'memory alone': (at) =>
      ranked(at)
        .filter(({ sources }) => sources.some(({ kind }) => kind === 'knowledge'))
        .map(({ command }) => command),
    both: (at) => ranked(at).map(({ command }) => command)
  }
}

export type Asked = Pick<Failure, 'command' | 'output' | 'status'>

/** As the shell noted it; the data does not say the status. */
export function failureOf({ command, output }: FailureCase): Asked {
  return { command, output: output?.trim() ? output : null, status: 1 }
}

export function accuracyOf(
  cases: readonly FailureCase[],
  proposer: Proposer,
  isCounted: (one: FailureCase) => boolean = () => true
): Accuracy {
  const result = { cases: 0, first: 0, three: 0 }
  for (const [at, one] of cases.entries()) {
    if (!isCounted(one)) continue
    const accepted = new Set(one.fix.map(normalised))
    const proposed = proposer(at).slice(0, 3).map(normalised)
    result.cases++
    if (proposed[0] !== undefined && accepted.has(proposed[0])) result.first++
    if (proposed.some((command) => accepted.has(command))) result.three++
  }
  return result
}

export const HALVES: Record<string, (one: FailureCase) => boolean> = {
  development: ({ command }) => !isHeldOut(command),
  'held out': ({ command }) => isHeldOut(command),
  all: () => true
}

export const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`.padStart(9)

/** Prints the table of the accuracy half of `npm run bench -- shell`. */
export function shellAccuracyBench(): void {
  if (!existsSync(dataPath('shell-failures'))) {
    console.log('no shared data shell-failures: what swarm why proposes is not measured')
    return
  }
  const cases = readCases()
  const untold = silent(cases)
  const [told, alone] = [proposersOf(cases), proposersOf(untold)]
  console.log('\nproposed commands that are an accepted fix, exact but for white space')
  console.log(`${''.padEnd(34)}with output         without output`)
  console.log(`${''.padEnd(26)}cases    first     of 3    first     of 3`)
  for (const name of Object.keys(told)) {
    for (const [half, isCounted] of Object.entries(HALVES)) {
      const a = accuracyOf(cases, told[name] as Proposer, isCounted)
      const b = accuracyOf(untold, alone[name] as Proposer, isCounted)
      const columns = [a.first, a.three, b.first, b.three].map((one) => percent(one, a.cases))
      const head = `${name.padEnd(13)}${half.padEnd(12)}${String(a.cases).padStart(6)}`
      console.log(head + columns.join(''))
    }
  }
  reportFamilies(cases, told)
}

/** Below this a family's share says nothing, and a single held-out case could be read off. */
const FAMILY_CASES_MIN = 4

/** By tool family, both halves together. */
function reportFamilies(cases: readonly FailureCase[], proposers: Record<string, Proposer>): void {
  const familyOf = ({ rule }: FailureCase): string => rule.split('_', 1)[0] as string
  const families = [...new Set(cases.map(familyOf))].map((family) => {
    const isCounted = (one: FailureCase): boolean => familyOf(one) === family
    const [rules, both] = ['rules alone', 'both'].map((name) =>
      accuracyOf(cases, proposers[name] as Proposer, isCounted)
    ) as [Accuracy, Accuracy]
    return { family, rules, both }
  })
  console.log(`\nof a family, with output  cases  rules first  of 3  both first  of 3`)
  const large = families.filter(({ rules }) => rules.cases >= FAMILY_CASES_MIN)
  for (const { family, rules, both } of large.toSorted((a, b) => b.rules.cases - a.rules.cases)) {
    const widths = [
      [rules.cases, 6],
      [rules.first, 13],
      [rules.three, 6],
      [both.first, 12],
      [both.three, 6]
    ]
    const columns = widths.map(([count, width]) => String(count).padStart(width as number))
    console.log(family.padEnd(25) + columns.join(''))
  }
  const rest = families.length - large.length
  console.log(`and ${rest} families with fewer than ${FAMILY_CASES_MIN} cases each`)
}
