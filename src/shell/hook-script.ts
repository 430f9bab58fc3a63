// What `swarm hook zsh` prints: hook.zsh behind the paths and bounds that it works with. All of it is one
// argument of `emulate zsh -c`: it is parsed with zsh's own defaults, without the person's aliases, and its
// functions switch to these options whenever they run, whatever is set then.

import { readFileSync } from 'node:fs'

import {
  COMMAND_INDEX_BYTES_MAX,
  SPOOL_BYTES_MAX,
  SPOOL_COMMAND_CHARS_MAX
} from '../base/shell-limits.ts'
import { SPOOL_CWD_CHARS_MAX, SUGGEST_DEADLINE_MS } from '../base/shell-limits.ts'

export interface HookPaths {
  /** Of the spool (spool.ts). */
  folder: string
  /** File of suggestions (command-index.ts). */
  index: string
}

/** Text for `eval` in zsh. */
export function zshHookScript({ folder, index }: HookPaths): string {
  const bounds = {
    _swarm_spool_bytes_max: SPOOL_BYTES_MAX,
    _swarm_command_chars_max: SPOOL_COMMAND_CHARS_MAX,
    _swarm_cwd_chars_max: SPOOL_CWD_CHARS_MAX,
    _swarm_suggest_ms: SUGGEST_DEADLINE_MS,
    _swarm_index_bytes_max: COMMAND_INDEX_BYTES_MAX
  }
  const numbers = Object.entries(bounds).map(([name, value]) => `${name}=${value}`)
  const body = [
    `typeset -g _swarm_folder=${quote(folder)} _swarm_index=${quote(index)}`,
    `typeset -gi ${numbers.join(' ')}`,
    readFileSync(new URL('./hook.zsh', import.meta.url), 'utf8').trimEnd()
  ].join('\n')
  return `emulate zsh -o noxtrace -o noaliases -c ${quote(body)}`
}

/** One word of a shell, whatever is in it. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
