// `swarm watch` as a process: what a person and a script see of the command that it runs.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import test from 'brittle'
import { systemClock } from '../../src/base/clock.ts'
import { FAILURE_OUTPUT_BYTES_MAX } from '../../src/base/shell-limits.ts'
import type { Failure } from '../../src/shell/failure.ts'
import { watch } from '../../src/shell/watch.ts'
import { readWatched } from '../../src/shell/watched.ts'
import { openShell, SLOW } from '../helpers/swarm-command.ts'
import { until } from '../helpers/until.ts'
import { openZsh, TMUX, ZSH } from '../helpers/zsh-pty.ts'

function kept(shell: { folder: string }): Failure | null {
  const runtime = join(shell.folder, 'run', 'swarm')
  const name = existsSync(runtime)
    ? readdirSync(runtime).find((one) => one.endsWith('.hook'))
    : undefined
  return name === undefined ? null : readWatched(join(runtime, name))
}

const sh = (script: string) => ['watch', '--', 'sh', '-c', script]

test('watch - outputs and status are those of the command', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stdout, stderr } = await shell.run(sh('echo out; echo err >&2; exit 7'))
  t.alike([status, stdout], [7, 'out\n'])
  t.ok(/^err\nswarm: sh -c .* failed with status 7; swarm why explains it\n$/.test(stderr), stderr)
  const failure = kept(shell)
  t.alike([failure?.status, failure?.output, failure?.cwd], [7, 'err', process.cwd()])
  t.is(failure?.command, "sh -c 'echo out; echo err >&2; exit 7'")
})

test('watch - of a success nothing is kept or said', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stdout, stderr } = await shell.run(sh('echo out; echo warning >&2'))
  t.alike([status, stdout, stderr], [0, 'out\n', 'warning\n'])
  t.is(kept(shell), null)
})

test("watch - standard input is the command's own, to the byte", SLOW, async (t) => {
  const shell = await openShell(t)
  const { stdout } = await shell.run(['watch', 'cat'], {}, 'one\ntwo')
  t.is(stdout, 'one\ntwo')
})

test("watch - flags behind the command are the command's", SLOW, async (t) => {
  const shell = await openShell(t)
  t.is(
    (await shell.run(['watch', 'echo', '--json', '-h', '--', '--data-dir'])).stdout,
    '--json -h -- --data-dir\n'
  )
  t.is((await shell.run(['watch', '--', '--odd'])).status, 127)
  t.is((await shell.run(['watch', '--wrong', 'echo'])).status, 2)
  t.is((await shell.run(['watch'])).status, 2)
})

test('watch - what cannot be started has the status that a shell gives', SLOW, async (t) => {
  const shell = await openShell(t)
  const absent = await shell.run(['watch', 'no-such-program'])
  t.is(absent.status, 127)
  t.is(kept(shell)?.output, 'swarm watch: command not found: no-such-program')
  writeFileSync(join(shell.folder, 'plain'), 'text')
  t.is((await shell.run(['watch', join(shell.folder, 'plain')])).status, 126)
})

test('watch - a command that a signal ends gives 128 and its number', SLOW, async (t) => {
  const shell = await openShell(t)
  for (const [name, status] of [
    ['KILL', 137],
    ['SEGV', 139],
    ['INT', 130],
    ['PIPE', 141]
  ] as const) {
    t.is((await shell.run(sh(`kill -${name} $$`))).status, status, name)
  }
  t.is(kept(shell)?.status, 139, 'what a person ends is no failure')
})

test('watch - signals reach the command, and what it makes of them counts', SLOW, async (t) => {
  const shell = await openShell(t)
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) {
    const script = `trap 'echo got; exit 9' ${name.slice(3)}; echo ready; while :; do sleep 0.01; done`
    const command = shell.start(sh(script))
    await command.says('ready')
    command.child.kill(name)
    const { status, stdout } = await command.ended
    t.alike([status, stdout], [9, 'ready\ngot\n'], name)
  }
})

test(
  'watch - of a flood the end is kept, and nothing of it is lost on the way',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    const { stderr } = await shell.run(sh('seq 300000 >&2; exit 1'))
    t.is(stderr.split('\n').length, 300_000 + 2)
    const output = kept(shell)?.output ?? ''
    t.ok(output.endsWith('\n300000') && output.length <= FAILURE_OUTPUT_BYTES_MAX)
  }
)

test('watch - whoever reads slowly reads it all', SLOW, async (t) => {
  const shell = await openShell(t)
  const read: Buffer[] = []
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      read.push(chunk)
      setTimeout(done, 400)
    }
  })
  const env = { ...process.env, XDG_RUNTIME_DIR: join(shell.folder, 'run') }
  const host = { env, stdin: {}, stderr, on: () => {}, off: () => {} }
  const argv = ['sh', '-c', 'seq 50000 >&2; exit 3']
  const { status, failure } = await watch(argv, host, systemClock)
  t.is(status, 3)
  t.is(Buffer.concat(read).toString().split('\n').length, 50_000 + 1)
  t.ok(failure?.output?.endsWith('\n50000'))
})

test(
  'watch - a background child that keeps standard error open does not hold it',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    const { status } = await shell.run(sh('sleep 1000 >/dev/null & echo $! > "$HOME/pid"; exit 4'))
    t.is(status, 4)
    process.kill(Number(readFileSync(join(shell.folder, 'pid'), 'utf8')))
  }
)

test("watch - where nothing can be kept the status is still the command's", SLOW, async (t) => {
  const shell = await openShell(t)
  writeFileSync(join(shell.folder, 'run', 'swarm'), '')
  const { status, stderr } = await shell.run(sh('exit 5'))
  t.is(status, 5)
  t.ok(stderr.includes('could not be kept'), stderr)
})

test(
  'watch - on a terminal Ctrl-C reaches the command once, and it may live on',
  ZSH,
  async (t) => {
    const zsh = await openZsh(t)
    const script =
      "n=0; trap 'n=$((n+1)); echo got $n' INT; echo begun; while [ $n -lt 2 ]; do sleep 0.01; done; exit 6"
    writeFileSync(join(zsh.home, 'script'), script)
    const from = zsh.shown.length
    zsh.type('swarm watch sh $HOME/script\r')
    await zsh.says('begun', from)
    zsh.type('\u0003')
    await zsh.says('got 1', from)
    await zsh.run('', '\u0003')
    t.absent(zsh.shown.includes('got 3'))
    t.is(zsh.records().at(-1)?.status, 6)
  }
)

test(
  'watch - standard input and output stay the terminal; elsewhere than in tmux error does not',
  ZSH,
  async (t) => {
    const zsh = await openZsh(t)
    const ask = 'for i in 0 1 2; do test -t $i && echo tty $i; done'
    writeFileSync(join(zsh.home, 'ask'), ask)
    const shown = await zsh.run('swarm watch sh $HOME/ask')
    t.ok(shown.includes('tty 0') && shown.includes('tty 1') && !shown.includes('tty 2'), shown)
  }
)

test('watch - in tmux all three stay the terminal, and its text is kept', TMUX, async (t) => {
  const shell = await openShell(t)
  const socket = join(shell.folder, 'tmux')
  const tmux = (...argv: string[]) =>
    spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...argv], { encoding: 'utf8' }).stdout
  t.teardown(() => void tmux('kill-server'))
  const script = 'for i in 0 1 2; do test -t $i && echo tty $i; done; echo oops >&2; exit 3'
  writeFileSync(join(shell.folder, 'ask'), script)
  const env = `HOME='${shell.folder}' XDG_RUNTIME_DIR='${join(shell.folder, 'run')}'`
  const program = `'${process.execPath}' '${process.argv[1]?.replace(/test\/.*/, 'bin/swarm.js')}'`
  const watch = `${env} ${program} watch sh '${shell.folder}/ask'`
  const line = `echo before; ${watch}; echo status $?; exec sleep 1000`
  tmux('new-session', '-d', '-x', '200', line)
  await until(() => tmux('capture-pane', '-p').includes('status 3'))
  t.is(kept(shell)?.output, 'tty 0\ntty 1\ntty 2\noops')
})
