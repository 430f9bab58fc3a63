// What a failed command wrote, asked of a real tmux with a real zsh in it.

import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import type { Failure } from '../../src/shell/failure.ts'
import { findFailure } from '../../src/shell/find-failure.ts'
import { zshHookScript } from '../../src/shell/hook-script.ts'
import { Spool } from '../../src/shell/spool.ts'
import { until } from '../helpers/until.ts'
import { TMUX } from '../helpers/zsh-pty.ts'

interface Pane {
  folder: string
  env: NodeJS.ProcessEnv
  /** Types a line at the prompt and waits for the next prompt. */
  run(line: string): Promise<void>
  /** What `see` finds while `swarm why`, typed into this pane, runs. */
  asking<T>(see: () => Promise<T>): Promise<T>
}

/** A mark for each prompt once it is drawn: keys that come before it are echoed on a line of their own. */
const MARKED = `
at-prompt() { [[ $CONTEXT != start ]] || print -n . >> ~/prompts }
zle -N zle-line-init at-prompt
swarm() { : > ~/asks; while [[ -e ~/asks ]]; do sleep 0.02; done }`

async function openPane(t: Test, prompt: string, size = [80, 24]): Promise<Pane> {
  const home = await t.tmp()
  const folder = join(home, 'hook')
  const spool = new Spool(folder)
  spool.open()
  const lines = [zshHookScript({ folder, index: join(home, 'i') }), prompt, MARKED]
  writeFileSync(join(home, '.zshrc'), lines.join('\n'))
  const socket = join(home, 'tmux')
  const env = { HOME: home, PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' }
  const tmux = (...argv: string[]) =>
    spawnSync('tmux', ['-S', socket, '-f', '/dev/null', ...argv], { env, encoding: 'utf8' }).stdout
  const [columns, rows] = size.map(String) as [string, string]
  tmux('new-session', '-d', '-x', columns, '-y', rows, 'exec zsh -d -i')
  t.teardown(() => void tmux('kill-server'))
  const prompts = () => statSync(join(home, 'prompts'), { throwIfNoEntry: false })?.size ?? 0
  await until(() => prompts() > 0)
  const typed = async (keys: string, isDone: () => boolean) => {
    tmux('send-keys', '-t', '%0', '-l', `${keys}\r`)
    await until(isDone)
  }
  const run = async (line: string) => {
    const before = prompts()
    await typed(line, () => prompts() > before)
  }
  return {
    folder,
    env: { ...env, TMUX: `${socket},1,0`, TMUX_PANE: '%0' },
    run,
    async asking(see) {
      const [before, asks] = [prompts(), join(home, 'asks')]
      await typed('swarm why', () => existsSync(asks))
      const seen = await see()
      rmSync(asks)
      await until(() => prompts() > before)
      return seen
    }
  }
}

/** As `swarm why`, typed into this pane, finds it. */
function asked(pane: Pane): Promise<Failure | null> {
  const shellPid = new Spool(pane.folder).read()[0]?.shellPid ?? 0
  const here = { cwd: '/', wallMs: 0, piped: null }
  return pane.asking(() => findFailure({ folder: pane.folder, shellPid, env: pane.env, ...here }))
}

const PROMPTS: Record<string, string> = {
  plain: "PS1='%# '",
  'with folder and status': "PS1='%n@box:%~ [%?] $ '",
  'of two lines': "PS1=$'\\n--- %~ %* ---\\n> '",
  'with a right side': "PS1='%# ' RPROMPT='<%?>'",
  'with colours': "PS1='%F{red}%B>%b%f '"
}

for (const [name, prompt] of Object.entries(PROMPTS)) {
  test(`capture - exactly what the command wrote, with a prompt ${name}`, TMUX, async (t) => {
    const pane = await openPane(t, prompt)
    await pane.run('echo before')
    await pane.run("print -u2 'first: error'; print 'second line'; (exit 3)")
    await pane.run('echo after')
    const failure = await asked(pane)
    t.alike([failure?.output, failure?.source], ['first: error\nsecond line', 'tmux'])
  })
}

test('capture - the last of two alike, and not what came after it', TMUX, async (t) => {
  const pane = await openPane(t, "PS1='%# '")
  writeFileSync(join(pane.folder, '..', 'n'), '1')
  await pane.run('N=1')
  await pane.run('print run $N; false')
  await pane.run('N=2')
  await pane.run('print run $N; false')
  await pane.run('echo fine')
  t.is((await asked(pane))?.output, 'run 2')
})

test('capture - a command over several lines, and one wider than the screen', TMUX, async (t) => {
  const pane = await openPane(t, "PS1='%# '", [40, 24])
  await pane.run('N=1')
  await pane.run('for i in 1\rdo print in $i; false\rdone')
  t.is((await asked(pane))?.output, 'in 1')
  await pane.run(`print ${'long '.repeat(12)}>/dev/null; print wide; false`)
  t.is((await asked(pane))?.output, 'wide')
})

test('capture - what scrolled away beyond reach is not made up', TMUX, async (t) => {
  const pane = await openPane(t, "PS1='%# '")
  await pane.run('print lost; false')
  await pane.run('print -l {1..400}')
  const failure = await asked(pane)
  t.alike([failure?.output, failure?.source], [null, 'spool'])
})

test('capture - a command that wrote nothing has no output', TMUX, async (t) => {
  const pane = await openPane(t, "PS1='%# '")
  await pane.run('false')
  t.is((await asked(pane))?.output, null)
})

test('capture - without tmux, or with one that is gone, there is none', TMUX, async (t) => {
  const pane = await openPane(t, "PS1='%# '")
  await pane.run('print x; false')
  const shellPid = new Spool(pane.folder).read()[0]?.shellPid ?? 0
  const find = (env: NodeJS.ProcessEnv, pid = shellPid) =>
    findFailure({ folder: pane.folder, shellPid: pid, env, cwd: '/', wallMs: 0, piped: null })
  t.is((await find({ ...pane.env, TMUX: undefined }))?.source, 'spool')
  t.is((await find({ ...pane.env, TMUX: '/nowhere,1,0' }))?.source, 'spool')
  t.is((await find({ ...pane.env, TMUX_PANE: '-x' }))?.source, 'spool')
  t.is((await find(pane.env, shellPid + 1))?.source, 'spool', "another shell's screen is not this")
})
