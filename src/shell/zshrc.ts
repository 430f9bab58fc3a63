// The line that a person put into ~/.zshrc for the hook: found so that it can be named, never written.

import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export const ZSHRC_LINE = 'eval "$(swarm hook zsh)"'

/** @returns `/home/me/.zshrc, line 12` for each line that loads the hook; none when there is none. */
export function linesInZshrc(env: NodeJS.ProcessEnv): string[] {
  const path = zshrcPath(env)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  return text
    .split('\n')
    .flatMap((line, i) =>
      /^[^#]*\bswarm\s+hook\s+zsh\b/.test(line) ? [`${path}, line ${i + 1}`] : []
    )
}

export function zshrcPath(env: NodeJS.ProcessEnv): string {
  return join(env['ZDOTDIR'] || env['HOME'] || homedir(), '.zshrc')
}
