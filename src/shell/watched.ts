// The last failure under `swarm watch`, with what it wrote, in the runtime folder: gone at logout, replaced
// by the next. Owns the file's form; read as strictly as anything that a file says.

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { FAILURE_OUTPUT_BYTES_MAX, WATCHED_FILE_BYTES_MAX } from '../base/shell-limits.ts'
import type { Failure } from './failure.ts'
import { makePrivateFolder, readEnd, unusable } from './runtime-file.ts'

/** @param folder of the hook in the runtime folder. @throws STORE_UNREADABLE, STORE_FULL */
export function keepWatched(folder: string, failure: Failure): void {
  makePrivateFolder(folder)
  const path = join(folder, 'watched')
  const written = `${path}.${process.pid}`
  try {
    writeFileSync(written, JSON.stringify(failure), { mode: 0o600, flag: 'wx' })
    renameSync(written, path)
  } catch (error) {
    rmSync(written, { force: true })
    throw unusable(path, error)
  }
}

/** Null when there is none, or the file is not ours. */
export function readWatched(folder: string): Failure | null {
  const bytes = readEnd(join(folder, 'watched'), WATCHED_FILE_BYTES_MAX)
  try {
    return bytes === null ? null : checked(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    // Cut short by a crash or by hand: as good as none.
    return null
  }
}

function checked(value: unknown): Failure | null {
  const given = (value ?? {}) as Record<string, unknown>
  const { command, status, cwd, durationMs, wallMs, output } = given
  const isText = (text: unknown): text is string =>
    typeof text === 'string' && text.length <= FAILURE_OUTPUT_BYTES_MAX
  const isCount = (count: unknown): count is number =>
    typeof count === 'number' && Number.isSafeInteger(count) && count >= 0
  if (!isText(command) || !isText(cwd) || !(output === null || isText(output))) return null
  if (!isCount(status) || status > 255 || !isCount(durationMs) || !isCount(wallMs)) return null
  return { command, status, cwd, durationMs, wallMs, output, source: 'watch' }
}
