// Small files of the store that are written whole: a reader finds the old content or the new one, never a
// part, also after a power cut. Owns nothing of what they say. What must be cheap to write is not for it
// (mark-file.ts).

import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** @returns null when there is none. @throws what reading throws otherwise. */
export async function readSaved(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Replaces the file; on stable storage when it resolves. One writer at a time. */
export async function writeSaved(path: string, bytes: Uint8Array): Promise<void> {
  const draft = `${path}.new`
  try {
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** The names in a folder are on stable storage when it resolves. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such thing, and journals its names.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
