// What only a terminal shows: `script` of util-linux gives the command one. Skipped where it is absent.

import { spawnSync } from 'node:child_process'
import test from 'brittle'
import { openShell, PROGRAM, SLOW, type SwarmCommand } from '../helpers/swarm-command.ts'

const options = { ...SLOW, skip: spawnSync('script', ['--version']).status !== 0 }

/** A command line for `script`: quoted for the shell that it starts. */
function onTerminal(argv: string[]): string[] {
  const words = [process.execPath, PROGRAM, ...argv]
  const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return ['--quiet', '--return', '--flush', '--command', line, '/dev/null']
}

test('terminal - control characters of a model do not reach it', options, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const argv = ['generate', '-p', 'a\u001b[2Jb\u009b31m\rc']
  const { status, stdout } = await shell.program('script', onTerminal(argv)).ended
  t.is(status, 0)
  t.ok(stdout.startsWith('a[2Jb31mc\r\n'), JSON.stringify(stdout))
})

test('terminal - NO_COLOR and TERM=dumb are obeyed', options, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const show = async (env: Record<string, string>) =>
    (await shell.program('script', onTerminal(['status']), env).ended).stdout
  t.ok((await show({ TERM: 'xterm' })).includes('\u001b[1m'))
  t.absent((await show({ TERM: 'xterm', NO_COLOR: '1' })).includes('\u001b'))
  t.absent((await show({ TERM: 'dumb' })).includes('\u001b'))
})

test(
  'terminal - an invite is shown as a QR code too, where there are colours',
  options,
  async (t) => {
    const shell = await openShell(t)
    const show = async (env: Record<string, string>) =>
      (await shell.program('script', onTerminal(['invite', 'home']), env).ended).stdout
    const [line, code] = (await show({ TERM: 'xterm' })).split('\r\n')
    t.ok(line?.startsWith('swarm1'))
    t.ok(code?.startsWith('\u001b[30;107m'))
    t.absent((await show({ TERM: 'dumb' })).includes('\u001b'))
  }
)

test(
  'terminal - Ctrl-C in a chat stops the answer, at the prompt it leaves',
  options,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer({ SCRIPT_GENERATION: 'endless' })
    const chat = shell.program('script', onTerminal(['chat']), { TERM: 'xterm' })
    await chat.says('you> ')
    type(chat, 'hello\r')
    await chat.says('\non ')
    type(chat, '\u0003')
    await chat.says('stopped')
    type(chat, '\u0003')
    t.is((await chat.ended).status, 0)
  }
)

test('terminal - a failed turn leaves the conversation open', options, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'long' })
  const chat = shell.program('script', onTerminal(['chat']), { TERM: 'xterm' })
  await chat.says('you> ')
  type(chat, 'hello\r')
  await chat.says('4096; /clear starts anew [USAGE_PROMPT_TOO_LONG]')
  type(chat, '/exit\r')
  t.is((await chat.ended).status, 0)
})

test('terminal - a secret is not shown while it is typed', options, async (t) => {
  const shell = await openShell(t)
  const join = shell.program('script', onTerminal(['join', 'home', '--secret']))
  await join.says('secret of this topic')
  type(join, 'open sesame\r')
  await join.says('ready')
  t.absent(join.stdout.includes('sesame'))
  type(join, '\u0003')
  t.is((await join.ended).status, 130)
})

function type(command: SwarmCommand, keys: string): void {
  command.child.stdin.write(keys)
}
