// The spool: what the hook in zsh wrote, newest last, in the runtime folder (on most machines in memory,
// gone at logout). The file is also the flag: without it the hook does nothing. Owns making, reading and
// removing it; the hook itself appends and starts a new one when it is full (hook.zsh).

import { closeSync, constants, existsSync, openSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { SPOOL_BYTES_MAX, SPOOL_COMMAND_CHARS_MAX } from '../base/shell-limits.ts'
import { SPOOL_CWD_CHARS_MAX } from '../base/shell-limits.ts'
import type { Failure } from './failure.ts'
import { makePrivateFolder, readEnd, unusable } from './runtime-file.ts'
import { parseSpool, type SpoolRecord } from './spool-record.ts'

/** A file may pass its bound by the record that filled it; four bytes per character. */
const FILE_BYTES_MAX = SPOOL_BYTES_MAX + 4 * (SPOOL_COMMAND_CHARS_MAX + SPOOL_CWD_CHARS_MAX) + 256

/** Lines that ask about a failure, or only look: they are never the failure that is asked about. */
const OWN =
  /(^|[|;&(]\s*)(\S*\/)?swarm\s+(why|watch|hook|learn|query|forget|status|help|dash|top)\b/

export class Spool {
  readonly folder: string
  readonly #file: string

  /** @param folder of the hook in the runtime folder, one per data directory. */
  constructor(folder: string) {
    this.folder = folder
    this.#file = join(folder, 'spool')
  }

  /** The hook of this user's shells writes. */
  get isOpen(): boolean {
    return existsSync(this.#file)
  }

  get sizeBytes(): number {
    return [this.#file, `${this.#file}.old`]
      .map((path) => statSync(path, { throwIfNoEntry: false })?.size ?? 0)
      .reduce((sum, size) => sum + size, 0)
  }

  /** From now on shells write to it. Idempotent. @throws STORE_UNREADABLE, STORE_FULL */
  open(): void {
    makePrivateFolder(this.folder)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW
    try {
      closeSync(openSync(this.#file, flags | constants.O_NONBLOCK, 0o600))
    } catch (error) {
      throw unusable(this.#file, error)
    }
  }

  /** Oldest first; none when there is no spool. */
  read(): SpoolRecord[] {
    const parts = [`${this.#file}.old`, this.#file].map((path) => readEnd(path, FILE_BYTES_MAX))
    return parts.flatMap((bytes) => (bytes === null ? [] : parseSpool(bytes)))
  }

  /** Shells stop writing, and what they wrote is gone. Idempotent. */
  close(): void {
    for (const path of [this.#file, `${this.#file}.old`]) rmSync(path, { force: true })
  }

  /** Nothing of the folder stays, what swarm watch kept included. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/**
 * The last command that failed, of this shell if one of its own failed, else of any.
 * @param shellPid of the shell that asks: the parent of `swarm why`.
 */
export function readLastFailure(folder: string, shellPid: number): Failure | null {
  const record = lastFailed(new Spool(folder).read(), shellPid)
  return record === null ? null : failureOf(record)
}

/** Pure part of readLastFailure. */
export function lastFailed(records: readonly SpoolRecord[], shellPid: number): SpoolRecord | null {
  const failed = records.filter(
    ({ kind, status, command }) => kind === 'ended' && status !== 0 && !isOwnCommand(command)
  )
  return failed.findLast((record) => record.shellPid === shellPid) ?? failed.at(-1) ?? null
}

export function failureOf(record: SpoolRecord): Failure {
  const { command, status, cwd, durationMs, wallMs } = record
  return { command, status, cwd, durationMs, wallMs, output: null, source: 'spool' }
}

export function isOwnCommand(command: string): boolean {
  return OWN.test(command)
}
