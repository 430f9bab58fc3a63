// Commands that succeeded on this machine, for the suggestions of zsh: one per line, newest first, in the
// data directory. Made from the spool alone; nothing that another peer said ever gets in, so that none can
// put a command line at somebody's cursor. What could hold a secret stays out. hook.zsh reads the file.

import { renameSync, rmSync, writeFileSync } from 'node:fs'

import { COMMAND_INDEX_BYTES_MAX, COMMAND_INDEXED_CHARS_MAX } from '../base/shell-limits.ts'
import { COMMANDS_INDEXED_MAX } from '../base/shell-limits.ts'
import { readEnd, unusable } from './runtime-file.ts'
import type { SpoolRecord } from './spool-record.ts'

/** Says whether a command line may be kept; redaction found nothing in it. */
export type IsHarmless = (command: string) => boolean

export class CommandIndex {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Newest first. */
  read(): string[] {
    const bytes = readEnd(this.path, COMMAND_INDEX_BYTES_MAX)
    if (bytes === null) return []
    return Buffer.from(bytes).toString('utf8').split('\n').filter(isShown)
  }

  /**
   * Takes in what succeeded. Folding the same records again changes nothing, so nobody has to remember
   * how far it came.
   * @returns commands known now.
   * @throws STORE_UNREADABLE, STORE_FULL: the file is as before.
   */
  fold(records: readonly SpoolRecord[], isHarmless: IsHarmless): number {
    const before = this.read()
    const known = foldCommands(before, records, isHarmless)
    if (known.length === before.length && known.every((line, i) => line === before[i])) {
      return known.length
    }
    const written = `${this.path}.${process.pid}`
    try {
      writeFileSync(written, known.map((line) => `${line}\n`).join(''), { mode: 0o600 })
      renameSync(written, this.path)
    } catch (error) {
      rmSync(written, { force: true })
      throw unusable(this.path, error)
    }
    return known.length
  }

  remove(): void {
    rmSync(this.path, { force: true })
  }
}

/** @returns newest first, each once, within every bound. Pure. */
export function foldCommands(
  known: readonly string[],
  records: readonly SpoolRecord[],
  isHarmless: IsHarmless
): string[] {
  const ended = records
    .filter(({ kind, status }) => kind === 'ended' && status === 0)
    .map(({ command }) => command.trimEnd())
    .filter((command) => isShown(command) && isPlain(command) && isHarmless(command))
  const folded: string[] = []
  let sizeBytes = 0
  for (const command of new Set([...ended.toReversed(), ...known])) {
    sizeBytes += Buffer.byteLength(command) + 1
    if (sizeBytes > COMMAND_INDEX_BYTES_MAX || folded.length === COMMANDS_INDEXED_MAX) break
    folded.push(command)
  }
  return folded
}

/** One line that shows as it is: no control or format characters, and not too long to take in. */
function isShown(command: string): boolean {
  return (
    command !== '' &&
    command.length <= COMMAND_INDEXED_CHARS_MAX &&
    !/[\p{Cc}\p{Cf}]/u.test(command)
  )
}

const SECRET_NAME = /pass(wd|word|phrase)|secret|token|credential|api_?-?key|private_?-?key|bearer/i
const USER_INFO = /:\/\/[^/\s@]+@/

/**
 * No word of it could be a secret. Stricter than redaction: a suggestion that is missing costs nothing.
 * A word that mixes letters and digits for more than 24 characters without a separator may be a key.
 */
export function isPlain(command: string): boolean {
  if (SECRET_NAME.test(command) || USER_INFO.test(command)) return false
  return (command.match(/[A-Za-z0-9+_=]{25,}/g) ?? []).every((word) =>
    /^([A-Za-z_]+|\d+)$/.test(word)
  )
}
