import test from 'brittle'

import { normalised, parseCommandLine, quoted } from '../../../src/shell/rules/command-line.ts'

const wordsOf = (line: string): string[][] =>
  parseCommandLine(line).segments.map(({ words }) => words.map(({ text }) => text))

test('command line - words are what a shell would see', (t) => {
  t.alike(wordsOf('cp "my file" it\\ s \'a"b\''), [['cp', 'my file', 'it s', 'a"b']])
  t.alike(wordsOf('a | b && c;d'), [['a'], ['b'], ['c'], ['d']])
  t.alike(wordsOf('make 2>&1 >out.log <in'), [['make']])
  t.alike(wordsOf(''), [])
})

test('command line - a word knows where it stands', (t) => {
  const line = 'x  "a b" && y'
  for (const { words } of parseCommandLine(line).segments)
    for (const { start, end } of words) t.ok(line.slice(start, end).trim() !== '')
  const [segment] = parseCommandLine(line).segments
  t.is(line.slice(segment?.start, segment?.end), 'x  "a b"')
})

test('command line - an open quote and a file that is written are seen', (t) => {
  t.is(parseCommandLine('echo "a').openQuote, '"')
  t.is(parseCommandLine('echo \'a"').openQuote, "'")
  t.is(parseCommandLine('echo "a"').openQuote, null)
  t.ok(parseCommandLine('echo a > b').writesFile)
  t.absent(parseCommandLine('echo a 2>&1').writesFile)
})

test('command line - quoting is undone by parsing', (t) => {
  for (const text of ['a', 'a b', "it's", 'a;b', '$x', 'é', '*', '`id`'])
    t.alike(wordsOf(`cmd ${quoted(text)}`), [['cmd', text]])
})

test('command line - white space does not make a command another', (t) => {
  t.is(normalised('  git   add \t x\n'), 'git add x')
})
