import test from 'brittle'

import { mostSimilar, similarity } from '../../../src/shell/rules/similar.ts'
import { meantNames, possibleNames, quotedCommands } from '../../../src/shell/rules/suggestions.ts'

const none = new Set<string>()

test('suggestions - names that were meant are found in every usual form', (t) => {
  const forms: [string, string[]][] = [
    ['Did you mean this?\n\tstatus\n\tstash\n', ['status', 'stash']],
    ['(did you mean one of log, blog?)', ['log', 'blog']],
    ["Unknown task. Did you mean 'serve' or 'server'?", ['serve', 'server']],
    ['ERROR: unknown command "isntall" - maybe you meant "install"', ['install']],
    ['The most similar command is\n\tpush', ['push']],
    ['error: a similar name exists: `--verbose`', ['--verbose']],
    ['all is well', []]
  ]
  for (const [output, names] of forms) t.alike(meantNames(output, none), names, output)
})

test('suggestions - what the error repeats of the command was not meant', (t) => {
  t.alike(meantNames("The closest match to 'lst' is:\n    list\n", new Set(['lst'])), ['list'])
})

test('suggestions - lists of what is possible are read', (t) => {
  t.alike(possibleNames('Available commands:\n\n  build    builds it\n  test     tests it\n'), [
    'build',
    'test'
  ])
  t.alike(possibleNames('usage: tool remote [add|remove|rename]'), ['add', 'remove', 'rename'])
  t.alike(possibleNames("invalid choice: 'x' (choose from 'up', 'down')"), ['up', 'down'])
})

test('suggestions - a quoted command is one without placeholders', (t) => {
  const output = 'run `npm audit fix` or `npm install <name>`, see `npm help`\n    npm run x; ls'
  t.alike(quotedCommands(output, ['npm']), ['npm audit fix'])
})

test('similar - fewer slips are more alike, also to a part of a name', (t) => {
  t.is(similarity('push', 'push'), 1)
  t.ok(similarity('psuh', 'push') > similarity('psuh', 'pull'))
  t.ok(similarity('migrat', 'db:migrate') > similarity('migrat', 'db:create'))
  t.alike(mostSimilar('stauts', ['stash', 'status', 'push'])[0], 'status')
  t.alike(mostSimilar('zzz', ['status']), [])
})
