// One process per folder: a lock that the operating system holds for as long as the process lives, so
// that kill -9 leaves nothing to clean up. The file itself stays; it names the holder for the message.

import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import extensions from 'fs-native-extensions'
import { SwarmError } from './errors.ts'

export interface FileLock {
  /** Frees the lock; idempotent. */
  release(): void
}

/**
 * @param path of a file inside the folder to guard; made when it does not exist.
 * @param what the folder is, for the message: `the data directory /home/a/.local/share/swarm`.
 * @throws STORE_BUSY naming the process that holds it, STORE_UNREADABLE.
 */
export function lockFile(path: string, what: string): FileLock {
  let fd: number
  try {
    fd = openSync(path, 'a+', 0o600)
  } catch (error) {
    const reason = (error as Error).message
    throw new SwarmError('STORE_UNREADABLE', `${what} cannot be written: ${reason}`, {
      cause: error
    })
  }
  if (!extensions.tryLock(fd)) {
    closeSync(fd)
    throw new SwarmError(
      'STORE_BUSY',
      `${what} is in use by process ${holderOf(path)}; stop it with swarm stop, or choose another`
    )
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`)
  let held = true
  return {
    release() {
      if (!held) return
      held = false
      closeSync(fd)
    }
  }
}

/**
 * Who holds the lock now, without taking it for longer than it takes to ask.
 * @returns its process, `unknown` when the file does not say; null when nobody does or there is no file.
 */
export function lockHolder(path: string): string | null {
  let fd: number
  try {
    fd = openSync(path, 'r+')
  } catch {
    return null
  }
  try {
    return extensions.tryLock(fd) ? null : holderOf(path)
  } finally {
    closeSync(fd)
  }
}

function holderOf(path: string): string {
  try {
    return /^\d+/.exec(readFileSync(path, 'utf8'))?.[0] ?? 'unknown'
  } catch {
    return 'unknown'
  }
}
