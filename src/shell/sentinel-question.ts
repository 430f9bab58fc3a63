// What a sentinel, the small model that comes with swarm, is asked about a failure and how its answer is
// read: the fixed layout of training/FORMAT.md, on which it was trained. Flow: failure -> question
// (redacted, clipped) -> model -> cause, command, confidence. Owns that layout on this side; tests compare
// it with training/layout.py. Pure.

import type { Failure } from './failure.ts'
import { REDACTED, redact } from './redact.ts'
import { SIMILAR_MIN, similarity } from './rules/similar.ts'
import { plain } from './why-question.ts'

/** How far a sentinel trusts its own answer. */
export type Confidence = 'sure' | 'likely' | 'unsure'

export interface SentinelAnswer {
  /** One sentence; empty where the model wrote none. */
  cause: string
  /** One line, not yet checked for anything; null where it knows none. */
  fix: string | null
  /** null where the text is not of this layout: then the rest is small talk. */
  confidence: Confidence | null
}

// Of training/layout.py; a model knows questions of this size only.
const FIRST_LINES = 3
const LAST_LINES = 5
const LINE_CHARS = 200
const COMMAND_CHARS = 240
const HINTS = 8
/** Lines looked at on both ends, before empty ones are left out; of a long output none between is shown. */
const LINES_AT_ENDS = 400

const CONFIDENCES: readonly string[] = ['sure', 'likely', 'unsure'] satisfies Confidence[]

/**
 * @param failure texts as they are; nothing secret is left in the question.
 * @param entries names in the folder of the command, folders with '/'; empty where they are not known.
 */
export function sentinelQuestion(
  { command, status, output }: Pick<Failure, 'command' | 'status' | 'output'>,
  entries: readonly string[] = []
): string {
  const asked = oneLine(redact(command).text)
  const lines = [`$ ${clipped(asked, COMMAND_CHARS)}`, `exit ${status}`]
  const hints = hintsFor(asked, entries)
  if (hints.length > 0) lines.push(`dir ${hints.join(' ')}`)
  if (output !== null) lines.push(...clippedLines(output))
  return lines.join('\n')
}

/** Reads any text; what is no answer has neither fix nor confidence. */
export function readSentinelAnswer(text: string): SentinelAnswer {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const last = lines.at(-1) ?? ''
  const confidence = CONFIDENCES.includes(last) ? (lines.pop() as Confidence) : null
  const fix = lines.find((line) => line.startsWith('$ '))?.slice(2) ?? null
  const [first = ''] = lines
  return { cause: first.startsWith('$ ') ? '' : first, fix: usable(fix), confidence }
}

/** A fix that needs what was taken out of the question, or what only the user knows, is none yet. */
function usable(fix: string | null): string | null {
  return fix === null || fix.includes(REDACTED) || fix.trim() === '' ? null : fix.trim()
}

/** The names that are like a word of the command, the most alike first: others would only be noise. */
function hintsFor(command: string, entries: readonly string[]): string[] {
  const words = command.split(' ').flatMap((word) => word.split('/'))
  const near = (name: string): number =>
    Math.max(...words.map((word) => similarity(word, name.replace(/\/$/, ''))))
  return entries
    .filter((name) => /^[^\s.][^\s]*$/.test(name) && redact(name).count === 0)
    .map((name) => ({ name, score: near(name) }))
    .filter(({ score }) => score >= SIMILAR_MIN)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, HINTS)
    .map(({ name }) => name)
}

function clippedLines(output: string): string[] {
  // Redacted before anything is cut: a secret across the cut would lose what marks it.
  const all = redact(plain(output)).text.split('\n')
  const ends =
    all.length <= 2 * LINES_AT_ENDS
      ? all
      : [...all.slice(0, LINES_AT_ENDS), ...all.slice(-LINES_AT_ENDS)]
  const lines = ends.flatMap((line) => {
    const one = oneLine(line)
    return one === '' ? [] : [clipped(one, LINE_CHARS)]
  })
  if (lines.length <= FIRST_LINES + LAST_LINES) return lines
  return [...lines.slice(0, FIRST_LINES), ...lines.slice(-LAST_LINES)]
}

function oneLine(text: string): string {
  return text.trim().split(/\s+/).join(' ')
}

/** Lengths are in characters, as Python counts them. */
function clipped(text: string, chars: number): string {
  const all = [...text]
  return all.length <= chars ? text : `${all.slice(0, chars - 3).join('')}...`
}
