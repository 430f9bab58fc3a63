// Small files of the runtime folder, which any process of this user can write: read with a bound, without
// following links or waiting for a pipe, and never trusted. Owns no format.

import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readSync } from 'node:fs'

import { SwarmError } from '../base/errors.ts'

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The last `sizeBytes` of a file; null when it is absent, no plain file, or may not be read. */
export function readEnd(path: string, sizeBytes: number): Uint8Array | null {
  let fd: number
  try {
    fd = openSync(path, READ)
  } catch {
    return null
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return null
    const bytes = new Uint8Array(Math.min(stat.size, sizeBytes))
    const readBytes = readSync(fd, bytes, 0, bytes.length, Math.max(0, stat.size - sizeBytes))
    return bytes.subarray(0, readBytes)
  } catch {
    return null
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes a folder that only this user can enter; its parent has to be there.
 * @throws STORE_UNREADABLE when it cannot be made, or is not this user's alone.
 */
export function makePrivateFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
    return
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(path, error)
  }
  const stat = lstatSync(path)
  const isOwn = stat.uid === (process.getuid?.() ?? stat.uid)
  if (!stat.isDirectory() || !isOwn || (stat.mode & 0o077) !== 0) {
    throw unusable(path, new SwarmError('STORE_UNREADABLE', 'it is not a folder of yours alone'))
  }
}

/** A failure to write, as the user is told of it. */
export function unusable(path: string, cause: unknown): SwarmError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const isFull = (cause as NodeJS.ErrnoException).code === 'ENOSPC'
  return new SwarmError(
    isFull ? 'STORE_FULL' : 'STORE_UNREADABLE',
    `${path} cannot be used: ${reason}; mend that, then try again`,
    { cause }
  )
}
