// One line for one shell, shown by its hook above the next prompt (hook.zsh) and then gone. Written by the
// peer of this machine from its own store, only where `swarm hook enable --notice` asked for it.

import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { NOTICE_CHARS_MAX } from '../base/shell-limits.ts'
import { clip } from '../base/text.ts'
import { unusable } from './runtime-file.ts'

const PREFIX = 'notice.'

/**
 * @param text foreign: it is made one plain line here.
 * @throws STORE_UNREADABLE, STORE_FULL
 */
export function writeNotice(folder: string, shellPid: number, text: string): void {
  if (!isAlive(shellPid)) return
  const path = join(folder, `${PREFIX}${shellPid}`)
  const written = `${path}.new`
  try {
    writeFileSync(written, `${clip(`swarm: ${text}`, NOTICE_CHARS_MAX)}\n`, { mode: 0o600 })
    renameSync(written, path)
  } catch (error) {
    rmSync(written, { force: true })
    throw unusable(path, error)
  }
}

/** Removes those of shells that are gone. */
export function dropNotices(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => one.startsWith(PREFIX))) {
    const shellPid = Number.parseInt(name.slice(PREFIX.length), 10)
    if (!isAlive(shellPid)) rmSync(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
