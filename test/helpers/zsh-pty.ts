// A real zsh on a pseudo-terminal, which `script` of util-linux gives it, in folders of its own. Typed to
// like a person types; waits for the prompt. Ended with the test.

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'brittle'
import { zshHookScript } from '../../src/shell/hook-script.ts'
import { Spool } from '../../src/shell/spool.ts'
import type { SpoolRecord } from '../../src/shell/spool-record.ts'
import { openShell, SLOW, type SwarmCommand } from './swarm-command.ts'
import { until } from './until.ts'

export const SWARM = fileURLToPath(new URL('../../bin/swarm.js', import.meta.url))

const isHere = (file: string, ...argv: string[]) => spawnSync(file, argv).status === 0

/** For tests that need zsh on a terminal: skipped, with the reason printed, where there is none. */
export const ZSH = { ...SLOW, skip: !isHere('zsh', '-c', 'true') || !isHere('script', '--version') }
export const TMUX = { ...ZSH, skip: ZSH.skip || !isHere('tmux', '-V') }

export const PROMPT = '=READY= '
const KEYS_OFF = '\u001b[?2004h'

export interface ZshFolders {
  home: string
  /** Of the hook, in the runtime folder. */
  folder: string
  index: string
  spool: Spool
}

export interface ZshOptions {
  /** Lines of .zshrc before the hook, and after it. */
  before?: string
  after?: string
  /** Without the hook: what zsh does by itself. */
  hook?: boolean
  /** Arguments of zsh. */
  argv?: string
  env?: Record<string, string>
  enabled?: boolean
}

export class ZshPty implements ZshFolders {
  readonly home: string
  readonly folder: string
  readonly index: string
  readonly spool: Spool
  readonly #program: SwarmCommand

  constructor(folders: ZshFolders, program: SwarmCommand) {
    this.home = folders.home
    this.folder = folders.folder
    this.index = folders.index
    this.spool = folders.spool
    this.#program = program
  }

  /** All that the terminal showed so far. */
  get shown(): string {
    return this.#program.stdout
  }

  get ended(): SwarmCommand['ended'] {
    return this.#program.ended
  }

  type(keys: string): void {
    this.#program.child.stdin.write(keys)
  }

  /** Types a line and waits for the next prompt. @returns what was shown from the line on. */
  async run(line: string, keys = `${line}\r`): Promise<string> {
    const from = this.shown.length
    this.type(keys)
    // The line editor takes keys once it has switched bracketed paste on.
    await this.says(PROMPT, from)
    await this.says(KEYS_OFF, this.shown.indexOf(PROMPT, from))
    return this.shown.slice(from)
  }

  async says(text: string, from = 0): Promise<void> {
    await until(() => {
      if (this.shown.indexOf(text, from) !== -1) return true
      if (this.#program.child.exitCode === null) return false
      throw new Error(`zsh ended without '${text}': ${this.shown}`)
    })
  }

  records(): SpoolRecord[] {
    return this.spool.read()
  }
}

export async function openZsh(t: Test, options: ZshOptions = {}): Promise<ZshPty> {
  const { before = '', after = '', hook = true, argv = '-i', env = {}, enabled = true } = options
  const shell = await openShell(t)
  const home = shell.folder
  const folder = join(home, 'run', 'hook')
  const index = join(home, 'commands')
  const spool = new Spool(folder)
  if (enabled) spool.open()
  const bin = join(home, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'swarm'), `#!/bin/sh\nexec '${process.execPath}' '${SWARM}' "$@"\n`, {
    mode: 0o755
  })
  const lines = [before, hook ? zshHookScript({ folder, index }) : '', after, `PS1='${PROMPT}'`]
  writeFileSync(join(home, '.zshrc'), lines.join('\n'))
  const program = shell.program(
    'script',
    ['--quiet', '--return', '--flush', '--command', `exec zsh -d ${argv}`, '/dev/null'],
    {
      TERM: 'xterm',
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      LANG: 'C.UTF-8',
      SHELL: '/bin/sh',
      ...env
    }
  )
  const zsh = new ZshPty({ home, folder, index, spool }, program)
  await zsh.says(PROMPT)
  await zsh.says(KEYS_OFF, zsh.shown.indexOf(PROMPT))
  return zsh
}
