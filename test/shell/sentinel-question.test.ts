import test from 'brittle'

import { readSentinelAnswer, sentinelQuestion } from '../../src/shell/sentinel-question.ts'

const failure = (command: string, output: string | null = null, status = 1) => ({
  command,
  output,
  status
})

test('sentinel question - command, status, folder and output come in this order', (t) => {
  const question = sentinelQuestion(failure('ls  tset', '\u001b[31mls:  no\tsuch\u001b[0m\n\n'), [
    'README.md',
    'test/'
  ])
  t.is(question, '$ ls tset\nexit 1\ndir test/\nls: no such')
})

test('sentinel question - an output that nobody captured leaves no line', (t) => {
  t.is(sentinelQuestion(failure('gti', null, 127)), '$ gti\nexit 127')
  t.is(sentinelQuestion(failure('gti', '\n \n', 127)), '$ gti\nexit 127')
})

test('sentinel question - of a long output the first three lines stay and the last five', (t) => {
  const output = Array.from({ length: 50 }, (_, n) => `line ${n}`).join('\n')
  const lines = sentinelQuestion(failure('make', output)).split('\n').slice(2)
  t.alike(
    lines,
    [0, 1, 2, 45, 46, 47, 48, 49].map((n) => `line ${n}`)
  )
})

test('sentinel question - long commands and lines are cut at the lengths of the layout', (t) => {
  const [command = '', , line = ''] = sentinelQuestion(
    failure('make all '.repeat(99), '\u{1f600} '.repeat(400))
  ).split('\n')
  t.is(command.length, 2 + 240)
  t.is([...line].length, 200)
  t.ok(command.endsWith('...') && line.endsWith('...'))
})

test('sentinel question - a secret is in no line of it', (t) => {
  const secret = 'hunter2-very-secret'
  const command = `curl -u admin:${secret} https://x.example`
  const output = `password=${secret}\n`.repeat(20)
  const question = sentinelQuestion(failure(command, output), [`curl_password=${secret}`, 'curls/'])
  t.absent(question.includes(secret), question)
  t.ok(question.includes('dir curls/'))
})

test('sentinel question - at most eight names of the folder, the most alike first', (t) => {
  const names = [...Array.from({ length: 20 }, (_, n) => `server${n}.js`), 'server.js', 'zebra']
  const [, , hints = ''] = sentinelQuestion(failure('node sevrer.js'), names).split('\n')
  const shown = hints.split(' ')
  t.is(shown.length, 1 + 8)
  t.is(shown[1], 'server.js')
  t.absent(shown.includes('zebra'))
})

test('sentinel answer - cause, command and confidence are read', (t) => {
  t.alike(readSentinelAnswer("'gti' is not a command, 'git' is.\n$ git status\nsure"), {
    cause: "'gti' is not a command, 'git' is.",
    fix: 'git status',
    confidence: 'sure'
  })
  t.alike(readSentinelAnswer('I do not know this error.\nunsure'), {
    cause: 'I do not know this error.',
    fix: null,
    confidence: 'unsure'
  })
})

test('sentinel answer - any text is taken, and what is no answer proposes nothing sure', (t) => {
  for (const text of ['', '\n', 'sure', '$ ', 'Hello!', 'a\nb\nc', 'sure\nsure\n$', '\u0000$ x']) {
    const { fix, confidence } = readSentinelAnswer(text)
    t.ok(fix === null || confidence === null || fix !== '', JSON.stringify(text))
  }
  t.is(readSentinelAnswer('Hello!').confidence, null)
})

test('sentinel answer - a command that needs what was taken out is none', (t) => {
  t.is(readSentinelAnswer('x\n$ curl -u [redacted] x\nsure').fix, null)
})

test('sentinel question - a line that begins with a bracket is no colour of a terminal', (t) => {
  const question = sentinelQuestion(failure('frob', 'one\n[frob] two\n\u001b[1mthree\u001b[0m'))
  t.is(question, '$ frob\nexit 1\none\n[frob] two\nthree')
})
