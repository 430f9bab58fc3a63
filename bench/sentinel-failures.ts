// The shipped model on shared data/shell-failures, on none of which it was trained: its first proposal alone,
// that of the rules alone, and the order that swarm why makes of both, with the captured output and without,
// in both halves (see shell-accuracy.ts) and per rule of the collection. Knowable is a fix of whose words
// each stands in the command or the output, or is a slip away from a word of the command. The data does not
// say the exit status: 127 stands for a command that was not found, as every shell says it, else 1.

import { existsSync } from 'node:fs'

import { nearest } from '../src/base/nearest.ts'
import { propose } from '../src/shell/rules/propose.ts'
import { sentinelQuestion, type SentinelAnswer } from '../src/shell/sentinel-question.ts'
import { rankProposals } from '../src/shell/why-rank.ts'
import { dataPath } from '../test/helpers/data.ts'
import { accuracyOf, failureOf, HALVES, MACHINE, percent } from './shell-accuracy.ts'
import { readCases, silent } from './shell-accuracy.ts'
import type { Accuracy, Asked, FailureCase, Proposer } from './shell-accuracy.ts'
import type { SentinelEngine } from './sentinel-engine.ts'
import { verdict } from './verdict.ts'

const FIRST_LEAST = 0.35
const COLUMNS = ['model alone', 'rules alone', 'rules and model'] as const
type Column = (typeof COLUMNS)[number]

export async function failuresPart(engine: SentinelEngine): Promise<void> {
  if (!existsSync(dataPath('shell-failures'))) {
    return console.log('no shared data shell-failures: the model is not measured on it')
  }
  const cases = readCases()
  const told = await proposers(engine, cases)
  const untold = await proposers(engine, silent(cases))
  console.log(`\n${cases.length} failures of another collection, first proposal an accepted fix`)
  console.log(`${''.padEnd(18)}${'with output'.padStart(24)}${'without output'.padStart(27)}`)
  const head = ['all', ...Object.keys(HALVES).filter((half) => half !== 'all')]
  console.log(''.padEnd(18) + [...head, ...head].map((one) => one.slice(0, 8).padStart(9)).join(''))
  for (const column of COLUMNS) {
    const shares = [told, untold].flatMap((proposer) =>
      head.map((half) => {
        const { first, cases: of } = accuracyOf(cases, proposer[column], HALVES[half])
        return percent(first, of)
      })
    )
    console.log(column.padEnd(18) + shares.join(''))
  }
  const known = accuracyOf(cases, told['model alone'], isKnowable)
  perRule(cases, told)
  const share = (column: Column): number => {
    const { first, cases: of } = accuracyOf(cases, told[column])
    return first / of
  }
  console.log('')
  const what = `model alone, of the ${known.cases} cases whose fix is knowable`
  verdict(what, known.first / known.cases, FIRST_LEAST)
  const best = Math.max(share('model alone'), share('rules alone'))
  verdict('rules and model against the better of them', share('rules and model'), best)
}

async function proposers(
  engine: SentinelEngine,
  cases: readonly FailureCase[]
): Promise<Record<Column, Proposer>> {
  const failures = cases.map(failureOf).map((one) => ({ ...one, status: statusOf(one) }))
  const answers: (SentinelAnswer | null)[] = []
  for (const failure of failures)
    answers.push(await engine.answer([{ role: 'user', content: sentinelQuestion(failure) }]))
  const rules = (at: number) => propose(failures[at] as Asked, MACHINE)
  return {
    'model alone': (at) => [answers[at]?.fix].filter((fix) => typeof fix === 'string'),
    'rules alone': (at) => rules(at).map(({ command }) => command),
    'rules and model': (at) => {
      const input = { failure: failures[at] as Asked, hits: [], machine: MACHINE }
      return rankProposals({ ...input, sentinel: answers[at] ?? null }).map(
        ({ command }) => command
      )
    }
  }
}

function statusOf({ command, output }: Asked): number {
  const [program = ''] = command.trim().split(/\s+/)
  const isUnknown = output === null && !program.includes('/') && !MACHINE.commands.has(program)
  return isUnknown || /command not found|: not found/.test(output ?? '') ? 127 : 1
}

/** As the header says; words without the quotes and brackets that outputs put around them. */
function isKnowable({ command, output, fix }: FailureCase): boolean {
  const words = (text: string): string[] =>
    text.split(/[\s'"`()[\]|,:;]+/).filter((one) => one !== '')
  const asked = words(command)
  const given = new Set([...asked, ...words(output ?? '')])
  const isGiven = (word: string): boolean =>
    given.has(word) || (word.length > 2 && nearest(word, asked) !== null)
  return fix.some((one) => words(one).every((word) => isGiven(word)))
}

/** Rules of the collection with several cases; how many each has right. */
function perRule(cases: readonly FailureCase[], proposer: Record<Column, Proposer>): void {
  const rules = [...new Set(cases.map(({ rule }) => rule))].map((rule) => {
    const [model, shipped, both] = COLUMNS.map((column) =>
      accuracyOf(cases, proposer[column], (one) => one.rule === rule)
    ) as [Accuracy, Accuracy, Accuracy]
    return { rule, model, shipped, both }
  })
  console.log(`\n${'per rule, with output'.padEnd(36)}cases  model  rules   both`)
  const column = (count: number): string => String(count).padStart(7)
  for (const { rule, model, shipped, both } of rules.toSorted(
    (a, b) => b.model.cases - a.model.cases
  ))
    console.log(
      rule.padEnd(34) +
        column(model.cases) +
        column(model.first) +
        column(shipped.first) +
        column(both.first)
    )
}
