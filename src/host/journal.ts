// What was changed on this machine, from what and to what, so that it can be undone: one JSON line per
// change in the data directory, on the disk before the change is made. A line cut short by a crash was
// never followed by its change. Owns the file; changes nothing itself (apply.ts does).

import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync
} from 'node:fs'
import { statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

import { SwarmError } from '../base/errors.ts'
import { JOURNAL_BYTES_MAX } from '../base/limits.ts'
import { syncFolder } from './files.ts'
import { isAllowed, type Change } from './setting.ts'

/** Root writes into a user's folder, where a link could lead anywhere. */
const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW

export class Journal {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /**
   * Oldest first; none when there is no file.
   * @throws STORE_UNREADABLE for a file that we did not write: it would be followed as root.
   */
  read(): Change[] {
    const text = this.#text()
    const lines = text.split('\n')
    // The last line has no line break when a crash cut it short.
    return lines.slice(0, -1).map((line) => this.#parse(line))
  }

  /** On the disk when it returns. @throws STORE_UNREADABLE, STORE_FULL */
  append(change: Change): void {
    const { path, name, from, to } = change
    const line = `${JSON.stringify({ path, name, from, to })}\n`
    const text = this.#text()
    const wholeBytes = Buffer.byteLength(text.slice(0, text.lastIndexOf('\n') + 1))
    if (wholeBytes + Buffer.byteLength(line) > JOURNAL_BYTES_MAX) {
      const what = `the journal ${this.path} is full`
      throw new SwarmError('STORE_FULL', `${what}; undo its changes with swarm bridge --undo`)
    }
    try {
      const fd = openSync(this.path, APPEND, 0o600)
      try {
        ftruncateSync(fd, wholeBytes)
        writeSync(fd, line)
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      syncFolder(dirname(this.path))
    } catch (error) {
      throw this.#unreadable((error as Error).message, error)
    }
  }

  /** Nothing is left to undo. */
  clear(): void {
    rmSync(this.path, { force: true })
    syncFolder(dirname(this.path))
  }

  #text(): string {
    try {
      if (statSync(this.path).size > JOURNAL_BYTES_MAX) throw this.#unreadable('it is too large')
      return readFileSync(this.path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
      throw error instanceof SwarmError ? error : this.#unreadable((error as Error).message, error)
    }
  }

  #parse(line: string): Change {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      throw this.#unreadable('a line of it is damaged')
    }
    const { path, name, from, to } = (value ?? {}) as Record<string, unknown>
    if (
      typeof path !== 'string' ||
      typeof name !== 'string' ||
      !isText(from) ||
      !isText(to) ||
      !isAllowed(path, from) ||
      !isAllowed(path, to)
    ) {
      throw this.#unreadable('it names something that swarm bridge never changes')
    }
    return { path, name, from, to }
  }

  #unreadable(reason: string, cause?: unknown): SwarmError {
    const text = `the journal ${this.path} cannot be used: ${reason}; look at it, then remove it`
    return new SwarmError('STORE_UNREADABLE', text, { cause })
  }
}

function isText(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
