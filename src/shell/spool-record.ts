// Bytes of the spool -> records. hook.zsh writes them: a NUL, seven fields that end with a NUL each behind
// a mark, and a line break. The file may hold anything (a full disk tears records, a shell may be killed),
// so what is no whole record is passed over. A field cannot hold a NUL, so no command can forge a record.

import { SPOOL_COMMAND_CHARS_MAX, SPOOL_CWD_CHARS_MAX } from '../base/shell-limits.ts'

/** One command line of one shell. `asked`: it is about to run and pipes into `swarm why`; no status yet. */
export interface SpoolRecord {
  kind: 'ended' | 'asked'
  shellPid: number
  status: number
  /** When it was written, by the wall clock. */
  wallMs: number
  /** Null when the clock was set back meanwhile. */
  durationMs: number | null
  cwd: string
  command: string
}

const MARK = 'swarm1'
const END = '\n'
const FIELDS = 7
const NUMBER = /^\d{1,15}$/

/** @returns whole records, in the order of the file. */
export function parseSpool(bytes: Uint8Array): SpoolRecord[] {
  // Bytes that are no UTF-8 (a path may have any) become U+FFFD: the text is for people.
  const parts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .split('\0')
  const records: SpoolRecord[] = []
  let at = 0
  while (at + FIELDS + 1 < parts.length) {
    const record = parts[at] === MARK ? recordAt(parts, at + 1) : null
    if (record === null) at++
    else {
      records.push(record)
      at += FIELDS + 2
    }
  }
  return records
}

function recordAt(parts: readonly string[], at: number): SpoolRecord | null {
  const [kind, shell, status, wall, took, cwd, command] = parts.slice(at, at + FIELDS) as Fields
  if (parts[at + FIELDS] !== END) return null
  if (kind !== 'ended' && kind !== 'asked') return null
  if (![shell, status, wall].every((text) => NUMBER.test(text)) || !/^-?\d{1,15}$/.test(took)) {
    return null
  }
  // Both bounds count characters of the shell: UTF-16 units are at most two of each.
  if (cwd.length > 2 * SPOOL_CWD_CHARS_MAX || command.length > 2 * SPOOL_COMMAND_CHARS_MAX) {
    return null
  }
  if (Number(status) > 255 || command.trim() === '') return null
  return {
    kind,
    shellPid: Number(shell),
    status: Number(status),
    wallMs: Number(wall),
    durationMs: Number(took) < 0 ? null : Number(took),
    cwd,
    command
  }
}

type Fields = [string, string, string, string, string, string, string]
