// Suggestions in a real zsh with Debian's zsh-autosuggestions.

import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import { COMMAND_INDEX_BYTES_MAX } from '../../src/base/shell-limits.ts'
import { until } from '../helpers/until.ts'
import { openZsh, ZSH, type ZshPty } from '../helpers/zsh-pty.ts'

const PLUGIN = '/usr/share/zsh-autosuggestions/zsh-autosuggestions.zsh'
const options = { ...ZSH, skip: ZSH.skip || !existsSync(PLUGIN) }

const ACCEPT = '\u0005'
/** However busy the machine is: the deadline has a test of its own. */
const PATIENT = '_swarm_suggest_ms=60000'
/** At the next key instead of in a process of its own, so that what is typed next can rely on it. */
const AT_ONCE = `${PATIENT}; unset ZSH_AUTOSUGGEST_USE_ASYNC`

/** A key that says when the line editor has come to it. */
const HERE = '\u0014'
const SAY_HERE = "here() { print -n . >>$HOME/here }; zle -N here; bindkey '^T' here"

/** The plugin binds its widgets at the first prompt, so all is typed at the second. */
async function openWith(t: Test, commands: string[], after = AT_ONCE): Promise<ZshPty> {
  const zsh = await openZsh(t, { before: `. ${PLUGIN}; ${SAY_HERE}`, after })
  writeFileSync(zsh.index, commands.map((line) => `${line}\n`).join(''))
  await zsh.run(':')
  return zsh
}

/** Types, accepts what is offered, and gives the command line that ran. */
async function accepted(zsh: ZshPty, typed: string): Promise<string> {
  await press(zsh, typed)
  await zsh.run('', `${ACCEPT}\r`)
  return zsh.records().at(-1)?.command ?? ''
}

/** Key by key, as people do: the plugin asks for nothing while more keys wait. */
async function press(zsh: ZshPty, keys: string): Promise<void> {
  const file = join(zsh.home, 'here')
  const said = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  for (const key of keys) {
    const [from, before] = [zsh.shown.length, said()]
    zsh.type(key)
    await until(() => zsh.shown.length > from)
    zsh.type(HERE)
    await until(() => said() > before)
  }
}

test(
  'suggest - offers a command that is known on this machine, newest first',
  options,
  async (t) => {
    const zsh = await openWith(t, [': deploy the new one', ': deploy the old one', ': other'])
    t.is(await accepted(zsh, ': dep'), ': deploy the new one')
    t.is(await accepted(zsh, ': deploy the o'), ': deploy the old one')
  }
)

test('suggest - is shown as it is typed, also in a process of its own', options, async (t) => {
  const zsh = await openWith(t, [': deploy everything'], PATIENT)
  const from = zsh.shown.length
  zsh.type(': depl')
  await zsh.says('oy everything', from)
  zsh.type(`${ACCEPT}`)
  await zsh.run('', '\r')
  t.is(zsh.records().at(-1)?.command, ': deploy everything')
})

test('suggest - the history of the shell comes first', options, async (t) => {
  const zsh = await openWith(t, [': deploy from the index'])
  await zsh.run(': deploy from history')
  t.is(await accepted(zsh, ': dep'), ': deploy from history')
  const order = await zsh.run('print -r -- $ZSH_AUTOSUGGEST_STRATEGY')
  t.ok(order.includes('history swarm'))
})

test('suggest - a strategy that the person chose stays before it', options, async (t) => {
  const before = 'ZSH_AUTOSUGGEST_STRATEGY=(match_prev_cmd completion)'
  const zsh = await openZsh(t, { before })
  const order = await zsh.run('print -r -- $ZSH_AUTOSUGGEST_STRATEGY')
  t.ok(order.includes('match_prev_cmd completion swarm'), order)
})

test(
  'suggest - nothing below three characters, after the deadline or while off',
  options,
  async (t) => {
    const zsh = await openWith(t, [': deploy'])
    t.is(await accepted(zsh, ': '), ': ')
    t.is(await accepted(zsh, ': d'), ': deploy')
    const off = await openWith(t, [': deploy'], `${AT_ONCE}; _swarm_suggest_ms=0`)
    t.is(await accepted(off, ': dep'), ': dep')
    const disabled = await openWith(t, [': deploy'])
    disabled.spool.close()
    for (const key of [...': dep', ACCEPT, '\r']) disabled.type(key)
    await disabled.run(':')
    t.absent(disabled.shown.includes('loy'))
  }
)

test('suggest - what is typed is text, not a pattern', options, async (t) => {
  const zsh = await openWith(t, [': [a*] (x|y)~#^ \\d', ': aaaa'])
  t.is(await accepted(zsh, ': [a*] (x|'), ': [a*] (x|y)~#^ \\d')
  t.is(await accepted(zsh, ': *a'), ': *a')
})

test('suggest - a file that is too large is not read', options, async (t) => {
  const zsh = await openWith(t, [': deploy', 'x'.repeat(COMMAND_INDEX_BYTES_MAX)])
  t.is(await accepted(zsh, ': dep'), ': dep')
})

test(
  'suggest - a file that changed is read again, one that is gone is not missed',
  options,
  async (t) => {
    const zsh = await openWith(t, [': deploy one'])
    t.is(await accepted(zsh, ': dep'), ': deploy one')
    await zsh.run('fc -p')
    writeFileSync(`${zsh.index}.new`, ': deploy two\n')
    renameSync(`${zsh.index}.new`, zsh.index)
    t.is(await accepted(zsh, ': dep'), ': deploy two')
    rmSync(zsh.index)
    await zsh.run('fc -p')
    t.is(await accepted(zsh, ': dep'), ': dep')
  }
)
