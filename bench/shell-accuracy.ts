// How often the first, or one of the first three, proposed commands is an accepted fix: rules alone, the
// memory alone and both, with the captured output and without, on shared data/shell-failures. The memory
// holds the fixes of all other commands, learnt elsewhere; never one of the same command.
//
// Half of the cases (first bit of the sha256 of the command is 1) is held out: rules were written without
// ever reading them. Only totals are printed of that half, and no case of it by itself.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { FIXES_ASKED_MAX } from '../src/base/limits.ts'
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

const MACHINE = { commands: MACHINE_COMMANDS, entries: () => [] }

/** The fix cases, the first of each command; where one of them has an output, that one. */
export function readCases(): FailureCase[] {
  const path = dataPath('shell-failures', 'cases.json')
  const { fix } = JSON.parse(readFileSync(path, 'utf8')) as { fix: FailureCase[] }
  const cases = new Map<string, FailureCase>()
  for (const one of fix) {
    const key = normalised(one.command)
    const known = cases.get(key)
    if (!known || (!known.output?.trim() && one.output?.trim())) cases.set(key, one)
  }
  return [...cases.values()]
}

export function isHeldOut(command: string): boolean {
  return ((createHash('sha256').update(command).digest()[0] as number) & 0x80) !== 0
}

type Proposer = (one: FailureCase, others: readonly FailureCase[]) => string[]

const failureOf = ({
  command,
  output
}: FailureCase): { command: string; output: string | null; status: number } => ({
  command,
  output: output?.trim() ? output : null,
  status: 1
})

function memoryOf(others: readonly FailureCase[]): FixMemory {
  const memory = new FixMemory()
  for (const other of others) memory.learn(questionOf(failureOf(other)), other.fix[0] as string)
  return memory
}

const byRules: Proposer = (one) => propose(failureOf(one), MACHINE).map(({ command }) => command)

const withMemory =
  (filter: 'knowledge' | 'all'): Proposer =>
  (one, others) => {
    const failure = failureOf(one)
    const hits = memoryOf(others).ask(questionOf(failure), FIXES_ASKED_MAX)
    return rankProposals({ failure, hits, machine: MACHINE })
      .filter(({ sources }) => filter === 'all' || sources.some(({ kind }) => kind === filter))
      .map(({ command }) => command)
  }

export const PROPOSERS: Record<string, Proposer> = {
  'rules alone': byRules,
  'memory alone': withMemory('knowledge'),
  both: withMemory('all')
}

export function accuracyOf(
  cases: readonly FailureCase[],
  all: readonly FailureCase[],
  proposer: Proposer
): Accuracy {
  const result = { cases: cases.length, first: 0, three: 0 }
  for (const one of cases) {
    const others = all.filter(({ command }) => normalised(command) !== normalised(one.command))
    const accepted = new Set(one.fix.map(normalised))
    const proposed = proposer(one, others).slice(0, 3).map(normalised)
    if (proposed[0] !== undefined && accepted.has(proposed[0])) result.first++
    if (proposed.some((command) => accepted.has(command))) result.three++
  }
  return result
}

const silent = (one: FailureCase): FailureCase => ({ ...one, output: null })
const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`.padStart(7)

/** Prints the table of the accuracy half of `npm run bench -- shell`. */
export function shellAccuracyBench(): void {
  const cases = readCases()
  const halves: [string, FailureCase[]][] = [
    ['development', cases.filter(({ command }) => !isHeldOut(command))],
    ['held out', cases.filter(({ command }) => isHeldOut(command))],
    ['all', cases]
  ]
  console.log('proposed commands that are an accepted fix, exact but for white space')
  console.log(
    `${''.padEnd(28)}${'cases'.padStart(6)}   with output: first   of 3   without: first   of 3`
  )
  for (const [name, proposer] of Object.entries(PROPOSERS)) {
    for (const [half, part] of halves) {
      const told = accuracyOf(part, cases, proposer)
      const untold = accuracyOf(part.map(silent), cases.map(silent), proposer)
      const columns = [told.first, told.three, untold.first, untold.three]
      const figures = columns.map((count) => percent(count, part.length))
      console.log(
        `${name.padEnd(14)}${half.padEnd(14)}${String(part.length).padStart(6)}` +
          `${figures[0]?.padStart(22)}${figures[1]}${figures[2]?.padStart(17)}${figures[3]}`
      )
    }
  }
  const captured = cases.filter(({ output }) => output?.trim())
  const told = accuracyOf(captured, cases, byRules)
  console.log(
    `of the ${captured.length} whose output was captured, rules alone: first ${percent(told.first, told.cases)}, of 3 ${percent(told.three, told.cases)}`
  )
  reportFamilies(cases)
}

/** By tool family; the held-out half only counts here too. */
function reportFamilies(cases: readonly FailureCase[]): void {
  const families = new Map<string, FailureCase[]>()
  for (const one of cases) {
    const family = one.rule.split('_', 1)[0] as string
    families.set(family, [...(families.get(family) ?? []), one])
  }
  console.log(`\nby family                    cases  rules first  of 3   both first  of 3`)
  for (const [family, part] of [...families].toSorted(([, a], [, b]) => b.length - a.length)) {
    if (part.length < FAMILY_CASES_MIN) continue
    const [alone, both] = [byRules, withMemory('all')].map((one) => accuracyOf(part, cases, one))
    const columns = [alone?.first, alone?.three, both?.first, both?.three].map((count) =>
      String(count).padStart(8)
    )
    console.log(`${family.padEnd(26)}${String(part.length).padStart(8)}${columns.join('')}`)
  }
}

/** Below this a family's share says nothing; and no single held-out case is to be read off. */
const FAMILY_CASES_MIN = 4
