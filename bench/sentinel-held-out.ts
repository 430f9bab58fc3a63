// Generated cases with names, misspellings and combinations that training never drew (training/README.md,
// "What is held out"): how often the first proposal is an accepted fix, per family and per confidence word.
// The cases come from the generator itself, which needs a python3 and nothing else.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

import { normalised } from '../src/shell/rules/command-line.ts'
import type { Confidence } from '../src/shell/sentinel-question.ts'
import type { SentinelEngine } from './sentinel-engine.ts'
import { verdict } from './verdict.ts'

/** Not the seed by which training judged its checkpoints. */
const SEED = 2
const EXACT_LEAST = 0.85
const SURE_RIGHT_LEAST = 0.85
const SURE_SHARE_LEAST = 0.5
/** What training without a family knows of it: training/leave_out.py writes it. */
const LEFT_OUT = 'models/left-out.json'

interface HeldCase {
  family: string
  turns: [question: string, answer: string][]
  fixes: string[]
}

interface Score {
  asked: number
  right: number
}

export async function heldOutPart(engine: SentinelEngine, count: number): Promise<void> {
  const cases = heldCases(count)
  if (cases === null) return console.log('held-out cases are not measured: there is no python3')
  const families = new Map<string, Score>()
  const words = new Map<Confidence | null, Score>()
  for (const one of cases) {
    const answer = await engine.answer(messagesOf(one))
    const isRight = isAccepted(one, answer?.fix ?? null)
    add(families, one.family, isRight)
    add(words, answer?.confidence ?? null, isRight)
  }
  console.log(`\n${cases.length} generated cases that were held out`)
  for (const [family, score] of [...families].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`  ${family.padEnd(12)} ${scored(score)}`)
  for (const word of ['sure', 'likely', 'unsure', null] as const) {
    const score = words.get(word)
    if (score === undefined) continue
    const share = ((100 * score.asked) / cases.length).toFixed(1)
    console.log(`  ${(word ?? 'no word').padEnd(12)} ${scored(score)}, ${share} % of all`)
  }
  const all = [...families.values()].reduce((a, b) => ({
    asked: a.asked + b.asked,
    right: a.right + b.right
  }))
  const sure = words.get('sure') ?? { asked: 0, right: 0 }
  verdict('accepted fix at first proposal', all.right / all.asked, EXACT_LEAST)
  verdict('right where it says sure', sure.right / Math.max(1, sure.asked), SURE_RIGHT_LEAST)
  verdict('answers marked sure', sure.asked / all.asked, SURE_SHARE_LEAST)
  reportLeftOut()
}

function reportLeftOut(): void {
  if (!existsSync(LEFT_OUT)) return
  const { how, families } = JSON.parse(readFileSync(LEFT_OUT, 'utf8')) as {
    how: string
    families: Record<string, Score>
  }
  const scores = Object.entries(families)
  const sum = (key: keyof Score): number => scores.reduce((all, [, one]) => all + one[key], 0)
  console.log(`\nfamilies that training left out (${how})`)
  for (const [family, score] of scores) console.log(`  ${family.padEnd(12)} ${scored(score)}`)
  console.log(`  ${'all'.padEnd(12)} ${scored({ asked: sum('asked'), right: sum('right') })}`)
}

function heldCases(count: number): HeldCase[] | null {
  const argv = ['training/generate.py', '--json', '--split', 'held', '--seed', String(SEED)]
  try {
    const printed = execFileSync('python3', [...argv, '--count', String(count)], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
    })
    const all = printed.trim().split('\n')
    // Small talk has no fix to check.
    return all
      .map((line) => JSON.parse(line) as HeldCase)
      .filter(({ turns }) => turns.at(-1)?.[0].startsWith('$ '))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function messagesOf({ turns }: HeldCase): { role: string; content: string }[] {
  const all = turns.flatMap(([question, answer]) => [
    { role: 'user', content: question },
    { role: 'assistant', content: answer }
  ])
  return all.slice(0, -1)
}

/** As training/layout.py: one of the fixes, or none where none is known. */
function isAccepted({ fixes }: HeldCase, fix: string | null): boolean {
  if (fixes.length === 0 || fix === null) return fixes.length === 0 && fix === null
  return fixes.some((one) => normalised(one) === normalised(fix))
}

function add<K>(scores: Map<K, Score>, key: K, isRight: boolean): void {
  const score = scores.get(key) ?? { asked: 0, right: 0 }
  score.asked++
  if (isRight) score.right++
  scores.set(key, score)
}

function scored({ asked, right }: Score): string {
  return `${`${right} of ${asked}`.padStart(12)}  ${((100 * right) / asked).toFixed(1)} %`
}
