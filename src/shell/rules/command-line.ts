// A command line as the words that a shell would see, each with its place in the line, so that a fix can
// change one word and leave the rest as it was typed. Quotes and backslashes are honoured; expansions are
// not performed, and nothing is run. Pure.

/** A word of the line: `text` without its quotes, `start` and `end` as it stands there. */
export interface Word {
  readonly text: string
  readonly start: number
  readonly end: number
}

/** One simple command between operators (`|`, `&&`, `;`, ...). Redirections are no words of it. */
export interface Segment {
  readonly words: readonly Word[]
  readonly start: number
  readonly end: number
}

export interface CommandLine {
  readonly segments: readonly Segment[]
  /** A quote that is opened and never closed; null when all are. */
  readonly openQuote: '"' | "'" | '`' | null
  /** Redirects its output into a file. */
  readonly writesFile: boolean
}

const OPERATOR = /^(?:\|\||&&|\|&|[|;&\n])/
const REDIRECTION = /^(?:\d*(?:>>|>\||>&|<<<|<<|<&|<>|>|<)|&>>|&>)/

export function parseCommandLine(line: string): CommandLine {
  const segments: Segment[] = []
  let words: Word[] = []
  let openQuote: CommandLine['openQuote'] = null
  let writesFile = false
  let isTarget = false
  const close = (): void => {
    const [first, last] = [words[0], words.at(-1)]
    if (first && last) segments.push({ words, start: first.start, end: last.end })
    words = []
  }
  for (let at = 0; at < line.length;) {
    const rest = line.slice(at, at + 4)
    const redirection = REDIRECTION.exec(rest)?.[0]
    const operator = redirection === undefined ? OPERATOR.exec(rest)?.[0] : undefined
    if (operator !== undefined) {
      close()
      at += operator.length
    } else if (redirection !== undefined) {
      writesFile ||= redirection.includes('>') && !redirection.includes('&')
      isTarget = true
      at += redirection.length
    } else if (/\s/.test(line[at] as string)) {
      at++
    } else {
      const { word, quote } = readWord(line, at)
      openQuote ??= quote
      if (!isTarget) words.push(word)
      isTarget = false
      at = word.end
    }
  }
  close()
  return { segments, openQuote, writesFile }
}

function readWord(line: string, start: number): { word: Word; quote: '"' | "'" | '`' | null } {
  let text = ''
  let quote: '"' | "'" | '`' | null = null
  let at = start
  for (; at < line.length; at++) {
    const character = line[at] as string
    if (quote === null && /[\s|;&<>]/.test(character)) break
    if (character === '\\' && quote !== "'" && at + 1 < line.length) text += line[++at]
    else if (quote === character) quote = null
    else if (quote === null && (character === '"' || character === "'" || character === '`'))
      quote = character
    else text += character
  }
  return { word: { text, start, end: at }, quote }
}

/** As a shell takes it: quoted where it needs to be. */
export function quoted(text: string): string {
  if (/^[\p{L}\p{N}_@%+=:,./~^-]+$/u.test(text)) return text
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** The same command for a comparison: runs of white space are one space. */
export function normalised(command: string): string {
  return command.trim().replace(/\s+/g, ' ')
}
