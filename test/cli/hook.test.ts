// `swarm hook` as a person meets it: switched on, said, switched off, nothing left.

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { lastLine, openShell, SLOW, type Shell } from '../helpers/swarm-command.ts'
import { spoolBytes, spoolRecord } from '../helpers/spool-records.ts'
import { until } from '../helpers/until.ts'
import { openZsh, ZSH } from '../helpers/zsh-pty.ts'

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .toSorted()
}

function hookFolder(shell: Shell): string {
  const runtime = join(shell.folder, 'run', 'swarm')
  return join(runtime, readdirSync(runtime).find((name) => name.endsWith('.hook')) ?? 'none')
}

test(
  'hook command - off until it is enabled, and then it says what it notes and where',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    t.is(
      (await shell.run(['hook', 'status'])).stdout,
      'The hook is off: nothing is noted. Switch it on with: swarm hook enable\n'
    )
    t.alike(filesUnder(shell.folder), [], 'and nothing was written')
    const { stdout, stderr, status } = await shell.run(['hook', 'enable'])
    t.is(status, 0)
    t.ok(stdout.includes(hookFolder(shell)) && stdout.includes('no output'), stdout)
    t.ok(stdout.includes('leaves   nothing; allow it per topic'), stdout)
    t.is(stderr, `to load it, add to ${shell.folder}/.zshrc: eval "$(swarm hook zsh)"\n`)
    t.is((await shell.run(['hook', 'status'])).stdout, stdout)
  }
)

test(
  'hook command - sharing and notices are consents of their own, and can be taken back',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.run(['hook', 'enable', '--share', 'home', '--notice'])
    const { stdout } = await shell.run(['hook', 'enable', '--share', 'lab', '--json'])
    const { enabled, shareTopics, notice } = lastLine(stdout)
    t.alike(
      { enabled, shareTopics, notice },
      { enabled: true, shareTopics: ['home', 'lab'], notice: true }
    )
    const said = (await shell.run(['hook', 'disable', '--share', 'home'])).stdout
    t.ok(said.includes("redacted, to members of 'lab'\n"), said)
    t.is((await shell.run(['hook', 'status', '--share', 'x'])).status, 2)
    t.is((await shell.run(['hook', 'disable', '--notice'])).status, 2)
    t.is((await shell.run(['hook', 'enable', '--share', ''])).status, 2)
  }
)

test(
  'hook command - the script knows the spool, and folds what succeeded into the suggestions',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.run(['hook', 'enable'])
    const folder = hookFolder(shell)
    const records = ['ls -l', 'export API_TOKEN=x', 'make'].map((command) =>
      spoolRecord({ command, status: 0 })
    )
    appendFileSync(join(folder, 'spool'), spoolBytes(...records, spoolRecord({ command: 'bad' })))
    const { stdout, stderr } = await shell.run(['hook', 'zsh'])
    t.is(stderr, '')
    t.ok(stdout.startsWith('emulate zsh ') && stdout.includes(folder))
    const index = join(shell.folder, '.local/share/swarm/hook-commands')
    t.is(readFileSync(index, 'utf8'), 'make\nls -l\n')
    const facts = lastLine((await shell.run(['hook', 'status', '--json'])).stdout)
    t.alike([facts['commandsNoted'], facts['failuresNoted'], facts['commandsIndexed']], [4, 1, 2])
  }
)

test(
  'hook command - a running peer keeps the suggestions fresh and answers a failure with one line',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.run(['hook', 'enable', '--notice'])
    const spool = join(hookFolder(shell), 'spool')
    const add = (...records: Parameters<typeof spoolRecord>[0][]) =>
      appendFileSync(spool, spoolBytes(...records.map((record) => spoolRecord(record))))
    add({ command: 'git psuh', status: 1, shellPid: process.pid })
    await shell.peer()
    const index = join(shell.folder, '.local/share/swarm/hook-commands')
    add({ command: 'make all', status: 0 })
    await until(() => existsSync(index) && readFileSync(index, 'utf8') === 'make all\n')
    const notice = join(hookFolder(shell), `notice.${process.pid}`)
    t.absent(existsSync(notice), 'what failed before the peer came is history')
    add(
      { command: 'mysql -phunter22 shop', status: 0 },
      { command: 'git comit -a', status: 1, shellPid: process.pid }
    )
    await until(() => existsSync(notice))
    t.is(readFileSync(notice, 'utf8'), 'swarm: try: git commit -a  (swarm why)\n')
    t.is(readFileSync(index, 'utf8'), 'make all\n', 'and no secret is offered again')
  }
)

test(
  'hook command - a reboot empties the runtime folder; the next shell makes it anew',
  SLOW,
  async (t) => {
    const shell = await openShell(t)
    await shell.run(['hook', 'enable'])
    const after = { XDG_RUNTIME_DIR: join(shell.folder, 'after') }
    mkdirSync(after.XDG_RUNTIME_DIR)
    await shell.run(['hook', 'zsh'], after)
    t.alike(filesUnder(after.XDG_RUNTIME_DIR), ['spool'])
  }
)

test('hook command - disabled it leaves nothing, and names the line to remove', SLOW, async (t) => {
  const shell = await openShell(t)
  const zshrc = join(shell.folder, '.zshrc')
  writeFileSync(zshrc, '# eval "$(swarm hook zsh)"\nalias x=y\neval "$(swarm hook zsh)"\n')
  await shell.run(['hook', 'enable', '--share', 'home'])
  appendFileSync(join(hookFolder(shell), 'spool'), spoolBytes(spoolRecord({ status: 0 })))
  await shell.run(['hook', 'zsh'])
  await shell.run(['watch', 'false'])
  t.is(filesUnder(shell.folder).length, 5, 'consent, spool, suggestions, watched, .zshrc')
  const { stdout } = await shell.run(['hook', 'disable'])
  t.ok(stdout.includes(`Remove too: ${zshrc}, line 3: eval "$(swarm hook zsh)"\n`), stdout)
  t.alike(filesUnder(shell.folder), ['.zshrc'])
  t.is((await shell.run(['hook', 'disable'])).status, 0, 'twice is once')
  t.ok(readFileSync(zshrc, 'utf8').includes('hook zsh'), 'the file is not changed')
})

test('hook command - a damaged consent is refused, and disable mends it', SLOW, async (t) => {
  const shell = await openShell(t)
  await shell.run(['hook', 'enable'])
  writeFileSync(join(shell.folder, '.local/share/swarm/hook.json'), '{"enabled":')
  const { status, stdout, stderr } = await shell.run(['hook', 'zsh'])
  t.alike([status, stdout], [1, ''])
  t.ok(stderr.includes('swarm hook disable'), stderr)
  t.is((await shell.run(['hook', 'disable'])).status, 0)
  t.is((await shell.run(['hook', 'zsh'])).status, 0)
})

test('hook command - other shells get one clear sentence', SLOW, async (t) => {
  const shell = await openShell(t)
  const bash = await shell.run(['hook', 'bash'])
  t.is(bash.status, 2)
  t.is(
    bash.stderr,
    'swarm: there is a hook for zsh only; in bash use: swarm watch -- COMMAND [USAGE_UNSUPPORTED]\n'
  )
  t.ok(
    (await shell.run(['hook', 'enabel'])).stderr.includes('takes zsh, enable, disable or status')
  )
})

test(
  'hook command - as the README says: one line in .zshrc, one command, and it notes',
  ZSH,
  async (t) => {
    const zsh = await openZsh(t, { hook: false, after: 'eval "$(swarm hook zsh)"' })
    await zsh.run('false early')
    t.absent(existsSync(join(zsh.home, '.local/share/swarm/hook.json')))
    await zsh.run('swarm hook enable')
    await zsh.run('ls /nowhere')
    const said = await zsh.run('swarm hook status')
    t.ok(/: \d+ commands \(1 failed\)/.test(said), said)
    t.ok(said.includes(`loaded by ${zsh.home}/.zshrc, line 3`), said)
  }
)
