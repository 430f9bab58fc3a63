// The operating system's own files (/sys, /proc, /etc, /run) as a value that can be replaced: everything
// in this folder reads and writes through it, so that a test can be any machine. Small text files only.

import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync
} from 'node:fs'
import { existsSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface HostFiles {
  /** Without the last line break; null when it is absent or may not be read. */
  read(path: string): string | null
  has(path: string): boolean
  /** Names in a folder, in order; none when it is absent. */
  list(path: string): string[]
  /** Name of what a link leads to, such as a driver's; null when it leads nowhere. */
  target(path: string): string | null
  /** Null removes the file. @throws the system's own error, whose `code` says why. */
  write(path: string, text: string | null): void
}

/** @param root what `/` means; another folder in tests. */
export function hostFiles(root = '/'): HostFiles {
  const at = (path: string) => join(root, path)
  return {
    read: (path) => quietly(() => readFileSync(at(path), 'utf8').replace(/\n$/, '')),
    has: (path) => existsSync(at(path)),
    list: (path) => quietly(() => readdirSync(at(path)).toSorted()) ?? [],
    target: (path) => quietly(() => basename(realpathSync(at(path)))),
    write(path, text) {
      if (text === null) rmSync(at(path), { force: true })
      else if (/^\/(proc|sys)\//.test(path)) writeSetting(at(path), text)
      else writeFileSync(at(path), text, { mode: 0o644, flush: true })
    }
  }
}

/** A file of the kernel takes its value in one write, and is never made. */
function writeSetting(path: string, text: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_TRUNC)
  try {
    writeSync(fd, `${text}\n`)
  } finally {
    closeSync(fd)
  }
}

/** Makes what was written to a file last, whatever happens to the machine next. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function quietly<T>(work: () => T): T | null {
  try {
    return work()
  } catch {
    return null
  }
}
