// What an error text itself proposes: names after "did you mean", names in a list of what is possible,
// and whole commands that it quotes. Foreign text: bounded in time by looking at single lines with
// patterns that cannot backtrack. Pure.

const LINES_MAX = 400
const LINE_CHARS_MAX = 2000
const NAMES_MAX = 300

/** A name as tools have them. */
const NAME = /^-{0,2}[\p{L}\p{N}@.][\p{L}\p{N}_@.:/+-]*$/u

const MEANT = new RegExp(
  [
    '(?:did you|maybe you|perhaps you|might have|may have|probably) mean',
    'most similar',
    'similar (?:name|command|argument|option|subcommand|task|choice)',
    'closest (?:match|command)',
    'meant one of'
  ].join('|'),
  'i'
)
const POSSIBLE = new RegExp(
  [
    '(?:available|valid|possible|supported|known|allowed|all) (?:\\w+ )?(?:commands|subcommands|tasks|',
    'targets|options|values|phases|choices|lifecycle phases|operations)(?: are)?\\s*:',
    '|^\\s*(?:commands|subcommands|management commands|tasks)\\s*:',
    '|is one of|must be one of|expected one of|choose from|choose one of'
  ].join(''),
  'i'
)
const USAGE_CHOICES = /[[{(]([\w-]+(?:[|,] ?[\w-]+){2,})[\]})]/g

/**
 * Names that the text says were meant, in its order.
 * @param typed words of the command: an error repeats them, and does not mean them.
 */
export function meantNames(output: string, typed: ReadonlySet<string>): string[] {
  return namesAfter(output, MEANT, 'lines', typed)
}

/** Names that the text lists as possible, in its order. */
export function possibleNames(output: string): string[] {
  const choices = [...output.slice(0, LINE_CHARS_MAX).matchAll(USAGE_CHOICES)]
  const inUsage = choices.flatMap((match) => (match[1] as string).split(/[|,] ?/))
  return [...new Set([...namesAfter(output, POSSIBLE, 'block', new Set()), ...inUsage])]
}

function linesOf(output: string): string[] {
  const lines = output.split('\n', LINES_MAX)
  return lines.map((line) => line.slice(0, LINE_CHARS_MAX))
}

function namesAfter(
  output: string,
  trigger: RegExp,
  shape: 'lines' | 'block',
  typed: ReadonlySet<string>
): string[] {
  const lines = linesOf(output)
  const found = new Set<string>()
  for (const [index, line] of lines.entries()) {
    const match = trigger.exec(line)
    if (!match) continue
    const said = namesIn(line.slice(match.index + match[0].length).replace(/^t\b/, ''))
    const here = said.filter((name) => !typed.has(name))
    const below = shape === 'block' || here.length === 0 ? namesBelow(lines, index + 1, shape) : []
    for (const name of [...here, ...below]) if (found.size < NAMES_MAX) found.add(name)
  }
  return [...found]
}

/** `'build' or 'bind'?`, `one of log?`, `: clean, package. -> [Help 1]` */
function namesIn(text: string): string[] {
  const inQuotes = [...text.matchAll(/["'`‘“]([^"'`’”]{1,80})["'`’”]/g)].map((match) => match[1])
  if (inQuotes.length > 0) return inQuotes.filter((name): name is string => name !== undefined)
  const sentence = text.split(/\.(?:\s|$)|\?|\)| -> /, 1)[0] as string
  const start = sentence.replace(/^[^:]*:\s*/, (head) => (head.length < 40 ? '' : head))
  const names = start
    .replace(/^\s*(?:one of|is|are|this|these|the|instead)\b/i, '')
    .split(/\s*,\s*(?:or\s+)?|\s+or\s+|\s*\|\s*/)
    .map((name) => name.trim())
  return names.every((name) => NAME.test(name)) ? names : []
}

function namesBelow(lines: readonly string[], from: number, shape: 'lines' | 'block'): string[] {
  const found: string[] = []
  let gaps = 0
  for (const line of lines.slice(from)) {
    const text = line.trim()
    if (text === '') {
      // One empty line may stand between a heading and its list, and between parts of a long list.
      if (found.length > 0 && (shape === 'lines' || ++gaps > 1)) break
      continue
    }
    const isIndented = /^\s/.test(line)
    if (/^[\w-]+(?:, ?[\w-]+)+,?$/.test(text)) found.push(...text.split(/, ?/).filter(Boolean))
    else {
      const first = text.replace(/^[-*•]\s+/, '').split(/\s{2,}|\t/, 1)[0] as string
      const name = first.split(/[\s,(]/, 1)[0] as string
      const isName = NAME.test(name) && (first === name || (isIndented && shape === 'block'))
      if (isName && (isIndented || first === name)) found.push(name)
      else if (!isIndented && found.length > 0) break
      else if (!isIndented && shape === 'lines') break
    }
  }
  return found
}

/**
 * Whole commands that the text tells to run: on a line of their own or in quotes, beginning with one of
 * these programs, without a placeholder.
 */
export function quotedCommands(output: string, programs: readonly string[]): string[] {
  const found = new Set<string>()
  for (const line of linesOf(output)) {
    const own = line.replace(/^\s*(?:[$#>*-]\s+)?/, '').trim()
    const parts = [...line.matchAll(/["'`‘“]([^"'`’”\n]{3,200})["'`’”]/g)].map((match) => match[1])
    const after = /(?:try|run|use|typing|execute|with)(?: the command)?:?\s+(\S.{2,200})$/i.exec(
      own
    )
    for (const one of [/^\s/.test(line) ? own : '', ...parts, after?.[1] ?? '']) {
      const command = (one ?? '').replace(/[.)]+$/, '').trim()
      const words = command.split(/\s+/)
      const program = words[0] === 'sudo' ? words[1] : words[0]
      if (words.length < 2 || program === undefined || !programs.includes(program)) continue
      if (/[<>[\]{}…;|&$`\\]|\.\.\.|--help|\bCOMMAND\b|\bhelp\b/.test(command)) continue
      // Prose that begins with the name of the tool is no command.
      if (/\s(?:is|are|was|has|does|did|will|can|cannot|and|or|to|for|the|a)\s/.test(command))
        continue
      if (/[:;,]$/.test(words[0] as string) || /[:;,?!]$/.test(command)) continue
      found.add(command)
    }
  }
  return [...found]
}
