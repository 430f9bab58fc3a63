// The hook in a real zsh on a pseudo-terminal.

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { SPOOL_BYTES_MAX, SPOOL_COMMAND_CHARS_MAX } from '../../src/base/shell-limits.ts'
import { zshHookScript } from '../../src/shell/hook-script.ts'
import { openZsh, ZSH } from '../helpers/zsh-pty.ts'

test('hook - notes each command with status, folder and duration', ZSH, async (t) => {
  const zsh = await openZsh(t)
  await zsh.run('cd /')
  await zsh.run('sleep 0.02; (exit 3)')
  const [first, second] = zsh.records()
  t.alike([first?.command, first?.status, first?.cwd], ['cd /', 0, zsh.home && process.cwd()])
  t.alike([second?.command, second?.status, second?.cwd], ['sleep 0.02; (exit 3)', 3, '/'])
  t.ok((second?.durationMs ?? 0) >= 20 && (second?.durationMs ?? 0) < 60_000)
  t.ok(Math.abs((second?.wallMs ?? 0) - Date.now()) < 60_000)
  t.is(first?.shellPid, second?.shellPid)
})

test('hook - a command keeps its newlines, quotes and letters', ZSH, async (t) => {
  const zsh = await openZsh(t)
  await zsh.run('for', "for i in 'ä 漢'\rdo false\rdone\r")
  t.alike(
    zsh.records().map(({ command, status }) => [command, status]),
    [["for i in 'ä 漢'\ndo false\ndone", 1]]
  )
})

test('hook - bytes that are no text, and a NUL, cannot break a record', ZSH, async (t) => {
  const zsh = await openZsh(t)
  // Ctrl-V quotes the next key.
  await zsh.run('nul', ': a\u0016\u0000swarm1; false\r')
  await zsh.run('raw', ": $'\\xff\\xfe'; false\r")
  await zsh.run('escape', ': \u0016\u001b[31m; false\r')
  t.alike(
    zsh.records().map(({ command }) => command),
    [': a swarm1; false', ": $'\\xff\\xfe'; false", ': \u001b[31m; false']
  )
})

test(
  'hook - what begins with a space, Ctrl-C, a closed pipe and Ctrl-Z is kept out',
  ZSH,
  async (t) => {
    const zsh = await openZsh(t)
    await zsh.run(' false')
    await zsh.run('(exit 130)')
    await zsh.run('(exit 141)')
    await zsh.run('(exit 148)')
    await zsh.run('', '\r')
    const from = zsh.shown.length
    // Quoted twice, so that the echo of the line is not taken for what it prints.
    zsh.type(`sh -c 'echo be""gun; exec sleep 100'\r`)
    await zsh.says('begun', from)
    await zsh.run('', '\u0003')
    t.alike(zsh.records(), [])
    await zsh.run('false')
    t.is(zsh.records().length, 1)
  }
)

test('hook - shows nothing, and what a command shows is as without it', ZSH, async (t) => {
  const session = async (hook: boolean) => {
    const zsh = await openZsh(t, { hook })
    const lines = [
      'false',
      'print -u2 oops',
      'echo $?',
      'ls -d /nowhere',
      'set -x',
      'true',
      'set +x'
    ]
    const shown: string[] = []
    for (const line of lines) shown.push(await zsh.run(line))
    return shown
  }
  t.alike(await session(true), await session(false))
})

test(
  'hook - $?, $pipestatus, $_, REPLY, MATCH and file descriptors stay as they were',
  ZSH,
  async (t) => {
    const session = async (hook: boolean) => {
      const zsh = await openZsh(t, { hook, after: 'REPLY=r MATCH=m' })
      const shown = [await zsh.run('true | (exit 4) | (exit 5)')]
      shown.push(await zsh.run('print -r -- $? $pipestatus $REPLY $MATCH'))
      shown.push(await zsh.run('print one two'), await zsh.run('print -r -- $_'))
      const fds = 'print -r -- /proc/$$/fd/*(N:t)'
      await zsh.run(fds)
      shown.push(await zsh.run(fds))
      return shown
    }
    const withHook = await session(true)
    t.alike(withHook, await session(false))
    t.ok(withHook[1]?.includes('5 0 4 5 r m'), withHook[1])
  }
)

test('hook - its script redirects nothing and starts nothing', (t) => {
  const script = zshHookScript({ folder: '/a', index: '/b' })
  // Its own descriptor is closed like this, and a file is read like that by the shell itself.
  const code = script
    .replace(/^\s*#.*$/gm, '')
    .replaceAll('exec {fd}>&-', '')
    .replaceAll('$(<$_swarm_index)', '')
  t.alike(code.match(/\d>|>&|&>|>>|>\||[^)]<\(|>\(|\$\([^(]|`|[^&]&[^&]/g) ?? [], [])
  t.ok(/\$\(/.test('x=$(date)') && /\d>/.test('ls 2>/dev/null'))
})

const OPTIONS = [
  'ksharrays',
  'nounset',
  'errexit',
  'errreturn',
  'extendedglob',
  'noclobber',
  'shwordsplit',
  'noshortloops',
  'ignorebraces',
  'kshglob',
  'shglob',
  'nullglob',
  'globsubst',
  'noglob',
  'rcquotes',
  'octalzeroes',
  'warncreateglobal',
  'typesetsilent',
  'nomultibyte',
  'localoptions',
  'promptsubst',
  'noevallineno',
  'posixbuiltins',
  'posixidentifiers',
  'bsdecho',
  'cprecedences',
  'kshtypeset'
]

test('hook - works whatever options are set before it', ZSH, async (t) => {
  for (const option of OPTIONS) {
    const zsh = await openZsh(t, { before: `setopt ${option}` })
    const shown = await zsh.run('true x')
    t.alike(
      zsh.records().map(({ command, status }) => [command, status]),
      [['true x', 0]],
      option
    )
    t.absent(/zsh:|_swarm/.test(shown), `${option}: ${shown}`)
  }
})

test('hook - works whatever options are set after it', ZSH, async (t) => {
  const zsh = await openZsh(t)
  for (const option of OPTIONS.filter((one) => !one.startsWith('err'))) {
    const before = zsh.records().length
    await zsh.run(`setopt ${option}`)
    const shown = await zsh.run('false y')
    await zsh.run(`unsetopt ${option}`)
    t.alike(
      zsh
        .records()
        .slice(before)
        .map(({ command, status }) => [command, status])[1],
      ['false y', 1],
      option
    )
    t.absent(/zsh:|_swarm/.test(shown), `${option}: ${shown}`)
  }
})

test('hook - aliases of the person do not change it', ZSH, async (t) => {
  const words = [
    'local',
    'typeset',
    'if',
    'return',
    'exec',
    'sysopen',
    'syswrite',
    'zstat',
    'print'
  ]
  const before = words.map((word) => `alias -g ${word}='broken ${word}'`).join('\n')
  const zsh = await openZsh(t, { before, after: 'unalias -a' })
  await zsh.run('false')
  t.is(zsh.records().length, 1)
})

test('hook - the hooks of others run too, and see the status', ZSH, async (t) => {
  const before = `
    autoload -Uz add-zsh-hook
    other_precmd() { print -r -- "precmd saw $?" }
    other_preexec() { print -r -- "preexec saw $1" }
    add-zsh-hook precmd other_precmd; add-zsh-hook preexec other_preexec
    precmd() { print -r -- "own saw $?" }`
  const zsh = await openZsh(t, { before })
  const shown = await zsh.run('(exit 7)')
  for (const text of ['precmd saw 7', 'own saw 7', 'preexec saw (exit 7)'])
    t.ok(shown.includes(text))
  t.is(zsh.records()[0]?.status, 7)
  const order = await zsh.run('print -r -- $precmd_functions')
  t.ok(order.includes('_swarm_precmd other_precmd'), order)
})

test('hook - evaluated twice, it notes once', ZSH, async (t) => {
  const zsh = await openZsh(t)
  writeFileSync(join(zsh.home, 'again'), zshHookScript({ folder: zsh.folder, index: zsh.index }))
  await zsh.run('eval "$(<$HOME/again)"')
  await zsh.run('false')
  t.is(zsh.records().filter(({ command }) => command === 'false').length, 1)
})

test('hook - paths with quotes and spaces are only paths', ZSH, async (t) => {
  const zsh = await openZsh(t, { hook: false })
  const folder = join(zsh.home, "it's a $(touch bad) `x` \\ \n folder")
  mkdirSync(folder)
  writeFileSync(join(folder, 'spool'), '')
  writeFileSync(join(zsh.home, 'script'), zshHookScript({ folder, index: `${folder}/i` }))
  await zsh.run('eval "$(<$HOME/script)"')
  await zsh.run('false')
  t.ok(readFileSync(join(folder, 'spool'), 'utf8').includes('\0false\0'))
})

test('hook - off until there is a spool, on and off again in an open shell', ZSH, async (t) => {
  const zsh = await openZsh(t, { enabled: false })
  await zsh.run('false one')
  t.alike(zsh.records(), [])
  zsh.spool.open()
  await zsh.run('false two')
  zsh.spool.close()
  await zsh.run('false three')
  t.is(zsh.spool.isOpen, false)
  zsh.spool.open()
  await zsh.run('false four')
  t.alike(
    zsh.records().map(({ command }) => command),
    ['false four']
  )
})

test('hook - a spool taken away or not to be written costs only the note', ZSH, async (t) => {
  const zsh = await openZsh(t)
  const quiet = async (what: string) => {
    const shown = await zsh.run('false')
    t.absent(/swarm|denied|zsh:/.test(shown), `${what}: ${shown}`)
  }
  const spool = join(zsh.folder, 'spool')
  rmSync(spool)
  mkdirSync(spool)
  await quiet('a folder in its place')
  rmSync(spool, { recursive: true })
  spawnSync('mkfifo', [spool])
  await quiet('a pipe without a reader')
  rmSync(spool)
  writeFileSync(join(zsh.home, 'elsewhere'), '')
  spawnSync('ln', ['-s', join(zsh.home, 'elsewhere'), spool])
  await quiet('a link')
  t.is(statSync(join(zsh.home, 'elsewhere')).size, 0)
  rmSync(zsh.folder, { recursive: true })
  await quiet('no folder')
  zsh.spool.open()
  chmodSync(zsh.folder, 0o500)
  await quiet('a folder that is read-only')
})

test('hook - a full disk costs only the note', ZSH, async (t) => {
  const zsh = await openZsh(t)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k,mode=700', 'none', zsh.folder])
  if (mounted.status !== 0) return t.comment('skipped: nothing can be mounted here')
  t.teardown(() => spawnSync('umount', [zsh.folder]))
  zsh.spool.open()
  const line = `: ${'x'.repeat(1500)}; false`
  for (let i = 0; i < 4; i++) t.absent(/space left|zsh:/.test(await zsh.run(line)), `try ${i}`)
  t.is(zsh.records().length, 2)
  t.is(statSync(join(zsh.folder, 'spool')).size, 4096, 'the third is torn')
  const remount = (how: string) => spawnSync('mount', ['-o', `remount,${how}`, zsh.folder])
  remount('ro')
  t.absent(/read-only|zsh:/.test(await zsh.run('false')), 'read-only')
  remount('rw')
  truncateSync(join(zsh.folder, 'spool'), 3800)
  await zsh.run('false after')
  t.alike(
    zsh
      .records()
      .map(({ command }) => command)
      .at(-1),
    'false after'
  )
})

test('hook - a huge command is cut, and the prompt comes back', ZSH, async (t) => {
  const zsh = await openZsh(t)
  writeFileSync(join(zsh.home, 'huge'), `: ${'ä'.repeat(300_000)}\nfalse`)
  await zsh.run('print -rz -- "$(<$HOME/huge)"', 'print -rz -- "$(<$HOME/huge)"\r')
  await zsh.run('', '\r')
  t.is(zsh.records().at(-1)?.command.length, SPOOL_COMMAND_CHARS_MAX)
  t.is(zsh.records().at(-1)?.status, 1)
})

test(
  'hook - a full spool is put aside once, so that both together stay bounded',
  ZSH,
  async (t) => {
    const zsh = await openZsh(t)
    const spool = join(zsh.folder, 'spool')
    writeFileSync(spool, `${'x'.repeat(SPOOL_BYTES_MAX - 10)}`)
    await zsh.run('false one')
    t.is(statSync(spool).size, 0)
    t.ok(statSync(`${spool}.old`).size > SPOOL_BYTES_MAX)
    t.is(statSync(spool).mode & 0o777, 0o600)
    await zsh.run('false two')
    t.alike(
      zsh.records().map(({ command }) => command),
      ['false one', 'false two']
    )
    writeFileSync(spool, 'y'.repeat(SPOOL_BYTES_MAX + 1))
    await zsh.run('false three')
    t.alike(
      zsh.records().map(({ command }) => command),
      ['false three']
    )
  }
)

test('hook - many shells write to one spool, and every record is whole', ZSH, async (t) => {
  const shells = [await openZsh(t)]
  const [first] = shells
  if (first === undefined) return
  const source = `_swarm_folder=${first.folder}`
  while (shells.length < 4) shells.push(await openZsh(t, { after: source }))
  await Promise.all(
    shells.map(async (zsh, i) => {
      for (let n = 0; n < 25; n++) await zsh.run(`: ${String(i).repeat(2000)}; false`)
    })
  )
  const records = first.records()
  t.is(records.length, 100)
  t.is(new Set(records.map(({ shellPid }) => shellPid)).size, 4)
})

test('hook - a notice is shown once above the next prompt, as one plain line', ZSH, async (t) => {
  const zsh = await openZsh(t)
  await zsh.run('false')
  const pid = zsh.records()[0]?.shellPid
  const file = join(zsh.folder, `notice.${pid}`)
  writeFileSync(file, 'swarm: try \u001b[31mthis\nand not this\n')
  const shown = await zsh.run('true')
  t.ok(shown.includes('swarm: try ^[[31mthis\r\n'), JSON.stringify(shown))
  t.absent(shown.includes('not this'))
  t.absent((await zsh.run('true')).includes('swarm:'))
  writeFileSync(join(zsh.folder, `notice.${(pid ?? 0) + 1}`), 'swarm: for another shell\n')
  t.absent((await zsh.run('true')).includes('another'))
})

test('hook - a script and a shell without zsh modules are left alone', ZSH, async (t) => {
  const folder = await t.tmp()
  const script = join(folder, 'script')
  writeFileSync(script, zshHookScript({ folder, index: `${folder}/i` }))
  const run = (...argv: string[]) => spawnSync('zsh', ['-f', ...argv], { encoding: 'utf8' })
  const counts = '${+functions[_swarm_precmd]} ${#precmd_functions}'
  const ask = `zmodload zsh/parameter; eval "$(<'${script}')"; print -r -- ${counts}`
  t.alike([run('-c', ask).stdout, run('-c', ask).stderr], ['0 0\n', ''])
  const bare = run('-i', '-c', ask.replace(';', '; module_path=(/nowhere);'))
  t.alike([bare.stdout, bare.stderr], ['0 0\n', ''])
  t.is(run('-i', '-c', ask).stdout, '1 1\n', 'and an interactive one has it')
})
