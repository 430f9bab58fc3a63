import test from 'brittle'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { lastLine, openShell, SLOW } from '../helpers/swarm-command.ts'

const GIT =
  "git: 'psuh' is not a git command. See 'git --help'.\n\nThe most similar command is\n\tpush\n"

test('why - without any failure it says how one gets known', SLOW, async (t) => {
  const shell = await openShell(t)
  const { status, stderr } = await shell.run(['why'])
  t.is(status, 2)
  t.ok(stderr.includes('swarm hook enable'), stderr)
})

test('why - a failure under swarm watch is explained, without a running peer', SLOW, async (t) => {
  const shell = await openShell(t)
  writeFileSync(
    join(shell.folder, 'mkdri'),
    `#!/bin/sh\necho 'mkdri: command not found' >&2\nexit 127\n`
  )
  chmodSync(join(shell.folder, 'mkdri'), 0o755)
  const env = { PATH: `${shell.folder}:${process.env['PATH'] ?? ''}` }
  await shell.run(['watch', '--', 'mkdri', 'a'], env)
  const { status, stdout } = await shell.run(['why'], env)
  t.is(status, 0)
  t.ok(stdout.includes('mkdir a'), stdout)
  t.ok(stdout.includes('shipped rule'), stdout)
})

test(
  'why - what is piped in is explained, and the model is asked when no rule is sure',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.peer()
    const { status, stdout } = await shell.run(['why'], {}, 'frobnicate: flux 7 inverted\n')
    t.is(status, 0)
    t.ok(stdout.includes('The model says'), stdout)
    t.ok(stdout.includes('flux 7 inverted'), 'the scripted model echoes what it was asked')
  }
)

test('why - what the model is asked has no secret', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const { stdout } = await shell.run(['why', '--json'], {}, 'frob: error password=hunter2go\n')
  const { answer } = lastLine(stdout)
  t.ok((answer as string).includes('[redacted]'))
  t.absent((answer as string).includes('hunter2go'))
})

test('why - a peer whose model fails leaves the rest of the answer', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer({ SCRIPT_GENERATION: 'gap' })
  const { status, stdout } = await shell.run(['why', '--json'], {}, 'frob: error 7\n')
  const { answer, remarks } = lastLine(stdout)
  t.is(status, 1)
  t.is(answer, null)
  t.ok((remarks as string[]).some((one) => one.includes('PLAN_GAP')))
})

test('why - --json names every source', SLOW, async (t) => {
  const shell = await openShell(t)
  const bin = join(shell.folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'git'), `#!/bin/sh\nprintf '%s' "${GIT}" >&2\nexit 1\n`)
  chmodSync(join(bin, 'git'), 0o755)
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  await shell.run(['watch', 'git', 'psuh'], env)
  const { status, stdout } = await shell.run(['why', '--json'], env)
  const { failure, proposals } = lastLine(stdout)
  t.is(status, 0)
  t.is((failure as { command: string }).command, 'git psuh')
  const [first] = proposals as { command: string; sources: { kind: string; rule: string }[] }[]
  t.is(first?.command, 'git push')
  t.ok(first?.sources.every(({ kind, rule }) => kind === 'rule' && rule !== ''))
})
