// Secrets taken out of a command line or an output before anything of it is stored, asked or sent. Flow:
// text -> shapes that mark a secret (redact-patterns.ts) -> words that look like random keys
// (redact-entropy.ts). Owns the order and the bounds; deliberately keeps what makes an error worth
// keeping: hashes of git, digests, UUIDs and paths stay. Errs towards taking out. Pure.

import { REDACT_LINE_CHARS_MAX } from '../base/shell-limits.ts'
import { isRandomKey, WORD } from './redact-entropy.ts'
import { PATTERNS } from './redact-patterns.ts'

/** What stands in the place of a secret. No shell expands or runs it. */
export const REDACTED = '[redacted]'
/** Of it, what a value that ends at a bracket would still hold. */
const MARK = '[redacted'

export interface Redacted {
  text: string
  /** Secrets taken out. */
  count: number
}

/** Whether a command line holds no secret, so that it may be kept and offered again. */
export function isHarmless(command: string): boolean {
  return redact(command).count === 0
}

/** Time is linear in the text: lines above a bound are taken out, every pattern stays within a line. */
export function redact(text: string): Redacted {
  const { text: withoutBlocks, count: blocks } = redactBlocks(text)
  let count = blocks
  const lines = withoutBlocks.split('\n').map((line) => {
    const one = redactLine(line)
    count += one.count
    return one.text
  })
  return { text: lines.join('\n'), count }
}

const BLOCK_BEGIN = /-----BEGIN [A-Z0-9 ]{1,60}-----/g
const BLOCK_END = /-----END [A-Z0-9 ]{1,60}-----/g
/** Blocks that everybody may read. */
const PUBLIC_BLOCK = /PUBLIC KEY|CERTIFICATE REQUEST/

/** PEM (RFC 7468), to its end, or to the end of the text where the end is missing: half a key is one too. */
function redactBlocks(text: string): Redacted {
  let [kept, at, count] = ['', 0, 0]
  for (const begin of text.matchAll(BLOCK_BEGIN)) {
    if (begin.index < at || PUBLIC_BLOCK.test(begin[0])) continue
    BLOCK_END.lastIndex = begin.index + begin[0].length
    const end = BLOCK_END.exec(text)
    kept += text.slice(at, begin.index) + REDACTED
    at = end ? end.index + end[0].length : text.length
    count++
  }
  return { text: kept + text.slice(at), count }
}

function redactLine(line: string): Redacted {
  // A line as long as that is data: what would be kept of it could be anything.
  if (line.length > REDACT_LINE_CHARS_MAX) return { text: REDACTED, count: 1 }
  let count = 0
  let text = line
  for (const { pattern, unless } of PATTERNS) {
    text = text.replace(pattern, (whole: string, ...groups: unknown[]) => {
      const named = groups.at(-1) as { before: string; secret: string; after?: string }
      const { before, secret, after = '' } = named
      if (secret.includes(MARK) || unless?.(secret)) return whole
      count++
      return before + REDACTED + after
    })
  }
  text = text.replace(WORD, (word) => {
    if (!isRandomKey(word)) return word
    count++
    return REDACTED
  })
  return { text, count }
}
