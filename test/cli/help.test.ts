import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { COMMAND_NAMES, commandSpec, SHELLS } from '../../src/cli/commands.ts'
import { completionScript, type Shell } from '../../src/cli/completion.ts'
import { commandHelp, generalHelp, wrap } from '../../src/cli/help.ts'
import { manPage } from '../../src/cli/man-page.ts'

const GOLDEN_STATUS = `swarm status: show what the running peer is doing

usage: swarm status [flags]

Topic, model, layers held, peers and sessions of the peer of this data
directory.

flags:
      --data-dir DIR     the peer's own folder; one peer runs per folder
                         [SWARM_DATA_DIR]
      --json             one JSON object as the last line of standard output
      --log-level LEVEL  least important log lines to show on standard error
                         (trace, debug, info, warn, error) (default warn)
                         [SWARM_LOG_LEVEL]
  -h, --help             show the help of a command

examples:
  swarm status
  swarm status --json`

test('help - a command is shown exactly so at 76 columns', (t) => {
  t.is(commandHelp('status', 76), GOLDEN_STATUS)
})

test('help - no line is wider than the terminal, but for examples', (t) => {
  for (const width of [60, 72, 80, 100]) {
    const examples = new Set(COMMAND_NAMES.flatMap((name) => commandSpec(name).examples))
    const texts = [generalHelp(width), ...COMMAND_NAMES.map((name) => commandHelp(name, width))]
    const wide = texts
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.length > width && !examples.has(line.trim()))
    t.alike(wide, [], `${width} columns`)
  }
})

test('help - every command is in the general help', (t) => {
  const text = generalHelp(80)
  t.alike(
    COMMAND_NAMES.filter((name) => !text.includes(`\n  ${name} `)),
    []
  )
})

test('help - wrapping keeps every word and breaks between them', (t) => {
  const text = 'a bb ccc dddddddddddd e'
  t.is(wrap(text, 6), 'a bb\nccc\ndddddddddddd\ne')
  t.is(wrap(text, 6).replaceAll('\n', ' '), text)
})

test('completion - names every command and every flag, in every shell', (t) => {
  for (const shell of SHELLS) {
    const script = completionScript(shell)
    for (const name of COMMAND_NAMES) {
      t.ok(script.includes(name), `${shell} ${name}`)
      for (const flag of commandSpec(name).flags) {
        const written = shell === 'fish' ? `-l ${flag} ` : `--${flag}`
        if (!script.includes(written)) t.fail(`${shell} lacks ${written}`)
      }
    }
  }
})

test('completion - the scripts are accepted by the shells that are here', async (t) => {
  const folder = await t.tmp()
  const checked = SHELLS.filter((shell) => spawnSync(shell, ['-c', 'true']).status === 0)
  for (const shell of checked) {
    const file = join(folder, shell)
    writeFileSync(file, completionScript(shell))
    t.is(spawnSync(shell, ['-n', file]).stderr.toString(), '', shell)
  }
  t.ok(checked.includes('bash'))
})

test('completion - bash offers commands, flags, choices and shells', (t) => {
  const offers = (...line: string[]) => {
    const script = `${completionScript('bash' satisfies Shell)}
      compopt() { echo files; }
      COMP_WORDS=(${line.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${line.length - 1}
      _swarm
      echo "\${COMPREPLY[@]}"`
    return spawnSync('bash', ['-c', script]).stdout.toString().trim()
  }
  t.is(offers('swarm', 'st'), 'status stop')
  t.is(offers('swarm', 'generate', '--te'), '--temp')
  t.is(offers('swarm', 'generate', '--kv', ''), 'f16 f32 q8_0')
  t.is(offers('swarm', 'completion', 'z'), 'zsh')
  t.is(offers('swarm', 'help', 'boot'), 'bootstrap')
  t.is(offers('swarm', 'run', ''), 'files')
  t.is(offers('swarm', 'join', 'home', '--model', ''), 'files')
  t.is(offers('swarm', 'status', ''), '')
})

test('man page - groff has nothing to complain about', (t) => {
  const page = manPage('1.2.3')
  t.ok(page.startsWith('.TH SWARM 1 "" "swarm 1.2.3"'))
  t.ok(COMMAND_NAMES.every((name) => page.includes(`.SS swarm ${name}`)))
  const groff = spawnSync('groff', ['-ww', '-man', '-Tutf8'], { input: page })
  if (groff.error) return t.comment('groff is not here')
  t.is(groff.stderr.toString(), '')
})

test('man page - no line of text begins with a request by mistake', (t) => {
  const requests = new Set(['.TH', '.SH', '.SS', '.TP', '.B', '.I', '.PP', '.nf', '.fi'])
  const odd = manPage('1')
    .split('\n')
    .filter((line) => /^[.']/.test(line) && !requests.has(line.split(' ', 1)[0] as string))
  t.alike(odd, [])
})
