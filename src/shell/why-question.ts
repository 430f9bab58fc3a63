// A failed command as the question of a stored fix, and back: the redacted command, its status and the
// lines that say what went wrong. Owns which lines those are. The same text is learnt and asked, so that
// equal failures meet. Pure.

import { FIX_COMMAND_CHARS_MAX, FIX_OUTPUT_CHARS_MAX } from '../base/shell-limits.ts'
import type { Failure } from './failure.ts'
import { redact } from './redact.ts'

export interface AskedFailure {
  command: string
  status: number
  /** Empty where nothing captured it. */
  output: string
}

const SAYS_WRONG = new RegExp(
  [
    'error|fatal|fail|not found|no such|unknown|invalid|denied|cannot|unable|refus|abort|warning',
    "can't|usage|mean|similar|must|missing|already|exist|use "
  ].join('|'),
  'i'
)

/** Lines looked at on both ends of an output; what lies between is the work before the failure. */
const LINES_AT_ENDS = 200
/** Lines around one that says what is wrong: a list of names, a caret. */
const LINES_AFTER = 12

/** The question under which the fix of a failure is stored and asked; without secrets. */
export function questionOf(failure: Pick<Failure, 'command' | 'status' | 'output'>): string {
  const command = redact(failure.command.trim()).text.slice(0, FIX_COMMAND_CHARS_MAX)
  const lines = [`$ ${command.replaceAll('\n', '\n> ')}`, `exit ${failure.status}`]
  const output = errorLines(failure.output ?? '')
  return output === '' ? lines.join('\n') : `${lines.join('\n')}\n${output}`
}

/** @returns null for a text that is no such question. */
export function parseQuestion(question: string): AskedFailure | null {
  const match = /^\$ ([^\n]*(?:\n> [^\n]*)*)\nexit (-?\d{1,6})(?:\n([^]*))?$/.exec(question)
  if (!match) return null
  const [, command = '', status = '0', output = ''] = match
  return { command: command.replaceAll('\n> ', '\n'), status: Number(status), output }
}

/** What an output says of the failure, redacted and bounded. */
export function errorLines(output: string): string {
  // Redacted before it is cut: a secret across the cut would lose what marks it.
  const lines = redact(plain(output)).text.split('\n')
  const ends =
    lines.length <= 2 * LINES_AT_ENDS
      ? lines
      : [...lines.slice(0, LINES_AT_ENDS), ...lines.slice(-LINES_AT_ENDS)]
  const kept: string[] = []
  let wanted = 0
  for (const line of ends) {
    if (SAYS_WRONG.test(line)) wanted = LINES_AFTER
    if (wanted-- > 0) kept.push(line.trimEnd())
  }
  const text = (kept.length > 0 ? kept : ends).join('\n').trim()
  return text.slice(0, FIX_OUTPUT_CHARS_MAX).trimEnd()
}

/** Without colours and other controls of a terminal; lines and tabs stay. */
export function plain(output: string): string {
  return output.replace(/[^\P{Cc}\n\t]\[[0-9;?]{0,20}[A-Za-z]/gu, '').replace(/[^\P{Cc}\n\t]/gu, '')
}
