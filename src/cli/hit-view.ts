// An answer of the shared memory as lines for people. Pure. Every text is another machine's: control
// characters are left out, whatever it is printed to, and a long answer is cut.

import { clip } from '../base/text.ts'
import { shortId } from '../wire/ids.ts'
import type { Hit } from '../wire/knowledge.ts'
import { cutToCells, printable } from './printable.ts'

/** Lines of one answer: the next one should be in sight. --json has all of it. */
const LINES_MAX = 12
const INDENT = '  '

/** @returns the line that says whose it is, then the lines of the text. */
export function hitLines(hit: Hit, width: number): string[] {
  const text = hit.kind === 'fix' ? `${firstLine(hit.question)}\n$ ${hit.answer}` : textOf(hit)
  // Marks that turn the direction of text could show another command than the one that is there.
  const lines = printable(text)
    .replace(/\t/g, '  ')
    .replace(/\p{Bidi_Control}/gu, '')
    .split('\n')
  const shown = lines.slice(0, LINES_MAX).map((line) => cutToCells(line.trimEnd(), width))
  const more = lines.length - shown.length
  return [headOf(hit), ...shown, ...(more > 0 ? [`${INDENT}(${more} more lines)`] : [])]
}

function textOf({ question, answer }: Hit): string {
  return question === '' ? answer : `${question}\n${INDENT}${answer}`
}

function headOf({ id, author, authorName, source, scope, wallMs, similarity }: Hit): string {
  const parts = [
    id.slice(0, 8),
    clip(authorName ?? shortId(author), 40),
    dayTime(wallMs),
    ...(source === '' ? [] : [clip(source, 60)]),
    ...(scope === 'local' ? ['on this machine only'] : []),
    ...(similarity === null ? [] : [`similarity ${similarity.toFixed(2)}`])
  ]
  return `${INDENT}${parts.join(', ')}`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

/** `2026-11-21 14:03` in this machine's time zone; the author's clock may say anything. */
export function dayTime(wallMs: number): string {
  const time = new Date(wallMs)
  if (Number.isNaN(time.getTime())) return 'at an unknown time'
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`
}
