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
