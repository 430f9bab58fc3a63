// What rules may know of this machine: names of programs on the search path, builtins of the shell, names
// in the folder of the failed command. Reads folders, within bounds; runs and changes nothing.

import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'

import { FOLDER_ENTRIES_MAX, SEARCH_PATH_FOLDERS_MAX } from '../base/shell-limits.ts'
import type { Machine } from './rules/failed.ts'

/** Builtins of zsh and bash that people type; a slip in one of them is a slip in a program. */
const BUILTINS = [
  'alias bg bindkey cd command dirs disown echo eval exec exit export fc fg hash history jobs kill let',
  'popd print printf pushd pwd read rehash set setopt shift source test times trap type typeset ulimit',
  'umask unalias unset wait where which'
].flatMap((names) => names.split(' '))

/** @param cwd of the failed command: relative paths are looked up there. */
export function thisMachine(env: NodeJS.ProcessEnv, cwd: string): Machine {
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'))
  const programs = folders.slice(0, SEARCH_PATH_FOLDERS_MAX).flatMap((folder) => namesIn(folder))
  return {
    commands: new Set([...BUILTINS, ...programs]),
    entries: (folder) => namesIn(resolve(cwd, folder.replace(/^~(?=\/|$)/, env['HOME'] ?? '~')))
  }
}

/** Folders end in '/'; none where it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .slice(0, FOLDER_ENTRIES_MAX)
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
  } catch {
    return []
  }
}
