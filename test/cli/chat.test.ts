import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'

import { lastLine, openShell, SLOW } from '../helpers/swarm-command.ts'

test('chat - every line of a pipe is one turn', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { status, stdout } = await shell.run(['chat'], {}, 'one\n\ntwo words\n')
  t.alike([status, stdout], [0, 'one\ntwo words\n'])
})

test('chat - without a running peer the small model answers, and that is said', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stdout, stderr } = await shell.run(['chat'], {}, 'one\n')
  t.alike([status, stdout], [0, 'one\n'])
  t.ok(
    stderr.includes('no peer runs here, so the small model that comes with swarm answers'),
    stderr
  )
})

test('chat - --json ends with the conversation', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const input = 'one\ntwo\n/clear\nthree\n/exit\nnever\n'
  const { stdout } = await shell.run(['chat', '--json', '--system', 'be brief'], {}, input)
  const { model, messages, turns } = lastLine(stdout)
  t.is(model, 'tiny.gguf')
  t.alike(messages, [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: 'three' },
    { role: 'assistant', content: 'three' }
  ])
  t.is(turns.length, 3)
})

test('chat - a full context is said and ends a piped conversation', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'long' })
  const { status, stderr } = await shell.run(['chat'], {}, 'one\n')
  t.is(status, 2)
  t.ok(stderr.includes('5000 tokens, the context holds 4096'), stderr)
})

test('chat - Ctrl-C of a piped conversation ends it', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'endless' })
  const command = shell.start(['chat'])
  command.child.stdin.write('one\n')
  await command.says('on ')
  command.child.kill('SIGINT')
  t.is((await command.ended).status, 130)
})

test(
  'chat - /save and --load carry a conversation over, and say what each stage keeps',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer()
    const file = join(shell.folder, 'talk.json')
    const saved = await shell.run(['chat'], {}, `one\n/save ${file}\n/save\n`)
    t.is(saved.status, 0, saved.stderr)
    t.ok(
      saved.stderr.includes(`saved 2 messages in ${file}\n1 of 2 stages keep what`),
      saved.stderr
    )
    t.ok(
      saved.stderr.includes('bbbbbbbb (layers 3-4) keeps nothing: the disk is full'),
      saved.stderr
    )
    t.ok(saved.stderr.includes('name a file: /save FILE'), saved.stderr)
    t.is(statSync(file).mode & 0o777, 0o600)
    const { stdout, stderr } = await shell.run(['chat', '--json', '--load', file], {}, 'two\n')
    t.alike(
      lastLine(stdout).messages.map(({ content }: { content: string }) => content),
      ['one', 'one', 'two', 'two']
    )
    t.ok(stderr.includes('tokens were kept'), stderr)
  }
)

test(
  'chat - a file that is no saved conversation is refused, and never written over',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer()
    const file = join(shell.folder, 'mine.txt')
    const whole = JSON.stringify({
      format: 'swarm conversation 1',
      model: null,
      messages: [],
      kv: null
    })
    for (const text of ['my own text\n', '{"format":"other"}', 'null', whole.slice(0, -5), whole]) {
      writeFileSync(file, text)
      const { status, stderr } = await shell.run(['chat', '--load', file], {}, '')
      t.is(status, 2, stderr)
      t.is(stderr.trim().split('\n').length, 1, stderr)
    }
    writeFileSync(file, 'my own text\n')
    const { status, stderr } = await shell.run(['chat'], {}, `one\n/save ${file}\n`)
    t.is(status, 2)
    t.ok(stderr.includes('is no saved conversation: save under another name'), stderr)
    t.is(readFileSync(file, 'utf8'), 'my own text\n')
  }
)
