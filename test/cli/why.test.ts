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
  const env = failing(shell.folder, 'mkdri', 'mkdri: command not found')
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
  const [first] = proposals as Proposed[]
  t.is(first?.command, 'git push')
  t.ok(first?.sources.every(({ kind, rule }) => kind === 'rule' && rule !== ''))
})

test('why - a fix that was taught answers the next failure of its kind', SLOW, async (t) => {
  const shell = await openShell(t)
  const env = failing(shell.folder, 'frob', 'flux 7 inverted')
  await shell.run(['watch', 'frob', 'x', '--token', 's3cr3tly'], env)
  const fix = 'frob --straight x --token s3cr3tly'
  const learnt = await shell.run(['learn', '--fix', fix, '--json'], env)
  t.is(learnt.status, 0, learnt.stderr)
  t.is(lastLine(learnt.stdout)['scope'], 'local')
  t.absent(learnt.stdout.includes('s3cr3tly'))
  await shell.run(['watch', 'frob', 'y', '--token', 'an0therOne'], env)
  const { stdout } = await shell.run(['why', '--json'], env)
  const [first] = lastLine(stdout)['proposals'] as Proposed[]
  t.is(first?.command, 'frob --straight y --token an0therOne')
  t.alike(
    first?.sources.map(({ kind }) => kind),
    ['knowledge']
  )
})

test('why - a fix goes to the swarm only after consent for its topic', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.peer()
  const env = failing(shell.folder, 'frob', 'flux 7 inverted')
  await shell.run(['watch', 'frob'], env)
  const scopeOf = async (fix: string): Promise<unknown> =>
    lastLine((await shell.run(['learn', '--fix', fix, '--json'], env)).stdout)['scope']
  t.is(await scopeOf('frob -a'), 'local')
  await shell.run(['hook', 'enable', '--share', 'elsewhere'], env)
  t.is(await scopeOf('frob -b'), 'local')
  await shell.run(['hook', 'enable', '--share', 'home'], env)
  t.is(await scopeOf('frob -c'), 'swarm')
})

test('why - a peer that is stopped does not hold the rules back', SLOW, async (t) => {
  const shell = await openShell(t)
  const peer = await shell.peer()
  peer.child.kill('SIGSTOP')
  const { status, stdout } = await shell.run(['why'], {}, 'bash: mkdri: command not found\n')
  peer.child.kill('SIGCONT')
  t.ok(status !== null)
  t.ok(stdout.includes('did not answer within 2000 ms'), stdout)
})

test('why - a text beside --fix is refused, and so is neither', SLOW, async (t) => {
  const shell = await openShell(t)
  t.is((await shell.run(['learn', 'a text', '--fix', 'b'])).status, 2)
  t.is((await shell.run(['learn'])).status, 2)
})

interface Proposed {
  command: string
  sources: { kind: string; rule: string }[]
}

/** A program in a folder of the search path that says this and fails. */
function failing(folder: string, name: string, says: string): { PATH: string } {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\necho '${says}' >&2\nexit 1\n`)
  chmodSync(file, 0o755)
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}` }
}
