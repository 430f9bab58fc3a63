// Lines of a process whose terminal is taken, in a file of bounded size: the file and one older one. Text
// that cannot be written is lost, because a full disk must not end a peer.

import { appendFileSync, renameSync, rmSync, statSync } from 'node:fs'

import { JOIN_LOG_BYTES_MAX } from '../base/limits.ts'
import { printable } from './printable.ts'

export class LogFile {
  readonly #path: string
  #sizeBytes = 0
  #isOpen = true

  /** Goes on where an earlier file of this name ends. */
  constructor(path: string) {
    this.#path = path
    try {
      this.#sizeBytes = statSync(path).size
    } catch {
      // There is none yet.
    }
  }

  write(line: string): void {
    if (!this.#isOpen) return
    const text = `${printable(line)}\n`
    try {
      if (this.#sizeBytes > JOIN_LOG_BYTES_MAX) this.#turn()
      appendFileSync(this.#path, text, { mode: 0o600 })
      this.#sizeBytes += Buffer.byteLength(text)
    } catch {
      // Nothing can be told while the terminal is taken.
    }
  }

  close(): void {
    this.#isOpen = false
  }

  #turn(): void {
    rmSync(`${this.#path}.1`, { force: true })
    renameSync(this.#path, `${this.#path}.1`)
    this.#sizeBytes = 0
  }
}
