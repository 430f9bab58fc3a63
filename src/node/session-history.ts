// What the last answers cost, in memory and in a file of the data directory: one report per line, oldest
// first, replaced as a whole, so that a reader finds the lines of before or of after. Owns the file and its
// bounds. A history that cannot be written is said once and never stops an answer.

import { constants, rmSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'

import { SESSION_HISTORY_BYTES_MAX, SESSION_HISTORY_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { formatReport, parseReport, type SessionReport } from '../wire/session-report.ts'

const FILE_NAME = 'session-history.jsonl'
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export interface HistoryRead {
  /** Oldest first. */
  reports: SessionReport[]
  /** One sentence about what was left out; null when nothing was. */
  damage: string | null
}

/** Never throws: a history that cannot be read is told as damage. */
export async function readHistory(dataDir: string): Promise<HistoryRead> {
  const path = join(dataDir, FILE_NAME)
  try {
    const file = await fs.open(path, READ)
    try {
      const stat = await file.stat()
      if (!stat.isFile() || stat.size > SESSION_HISTORY_BYTES_MAX) {
        return { reports: [], damage: `${path} is no history of answers and was left out` }
      }
      return parseHistory(await file.readFile('utf8'), path)
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { reports: [], damage: null }
    return { reports: [], damage: `${path} cannot be read: ${reasonOf(error)}` }
  }
}

/** Pure: the good lines of the file, and how many were not. */
export function parseHistory(text: string, path: string): HistoryRead {
  const lines = text.split('\n').filter((line) => line !== '')
  const good = lines.flatMap((line) => parseReport(line) ?? [])
  const nBad = lines.length - good.length
  const which = nBad === 1 ? '1 line is' : `${nBad} lines are`
  return {
    reports: good.slice(-SESSION_HISTORY_MAX),
    damage:
      nBad === 0
        ? null
        : `${which} damaged in ${path} and left out; the next answer writes the file anew`
  }
}

/** Pure: the newest reports that fit the file. */
export function formatHistory(reports: readonly SessionReport[]): string {
  const lines: string[] = []
  let sizeBytes = 0
  for (const report of reports.slice(-SESSION_HISTORY_MAX).toReversed()) {
    const line = `${formatReport(report)}\n`
    sizeBytes += Buffer.byteLength(line)
    if (sizeBytes > SESSION_HISTORY_BYTES_MAX) break
    lines.unshift(line)
  }
  return lines.join('')
}

export class SessionHistory {
  readonly #dataDir: string
  readonly #tell: (text: string) => void
  #reports: SessionReport[] = []
  #isDue = false
  #hasFailed = false
  #writing: Promise<void> | null = null

  /** @param tell one line for people, about damage or a file that cannot be written. */
  constructor(dataDir: string, tell: (text: string) => void) {
    this.#dataDir = dataDir
    this.#tell = tell
  }

  /** Oldest first. */
  get reports(): readonly SessionReport[] {
    return this.#reports
  }

  /** Takes over what an earlier process of this data directory wrote. */
  async open(): Promise<void> {
    const { reports, damage } = await readHistory(this.#dataDir)
    this.#reports = [...reports, ...this.#reports]
    if (damage !== null) this.#tell(damage)
  }

  /** Kept at once, and written as soon as the writing before it is over. */
  add(report: SessionReport): void {
    this.#reports = [...this.#reports, report].slice(-SESSION_HISTORY_MAX)
    this.#isDue = true
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when everything is written. Idempotent. */
  async close(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false
      await this.#write(formatHistory(this.#reports))
    }
    this.#writing = null
  }

  async #write(text: string): Promise<void> {
    const path = join(this.#dataDir, FILE_NAME)
    const draft = `${path}.${process.pid}`
    try {
      const file = await fs.open(draft, 'w', 0o600)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await fs.rename(draft, path)
      this.#hasFailed = false
    } catch (error) {
      rmSync(draft, { force: true })
      if (!this.#hasFailed) this.#tell(`${path} cannot be written: ${reasonOf(error)}`)
      this.#hasFailed = true
    }
  }
}

function reasonOf(error: unknown): string {
  return clip(error instanceof Error ? error.message : String(error), 200)
}
