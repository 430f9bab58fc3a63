// Remembers the ids of model files, so that a file of 40 GB is hashed once and not at every start. Owns
// a small JSON file, replaced as a whole; whatever is wrong with it, the ids are computed again. A file
// counts as the same while path, size, time of change and inode are.

import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MODEL_IDS_BYTES_MAX, MODEL_IDS_REMEMBERED_MAX } from '../base/limits.ts'
import type { FileFacts } from './byte-source.ts'

const VERSION = 1

interface Entry {
  path: string
  sizeBytes: number
  /** Decimal, because JSON has no integers of 64 bits. */
  mtimeNs: string
  inode: string
  id: string
}

/** @returns null when the file is not known, or has changed. */
export async function recallModelId(
  cachePath: string,
  path: string,
  facts: FileFacts
): Promise<string | null> {
  const wanted = entryOf(path, facts, '')
  const found = (await readEntries(cachePath)).find(
    (entry) =>
      entry.path === wanted.path &&
      entry.sizeBytes === wanted.sizeBytes &&
      entry.mtimeNs === wanted.mtimeNs &&
      entry.inode === wanted.inode
  )
  return found?.id ?? null
}

/** Best effort: where the file cannot be written, the next start hashes again. */
export async function rememberModelId(
  cachePath: string,
  path: string,
  facts: FileFacts,
  id: string
): Promise<void> {
  const others = (await readEntries(cachePath)).filter((entry) => entry.path !== path)
  const entries = [entryOf(path, facts, id), ...others].slice(0, MODEL_IDS_REMEMBERED_MAX)
  // A name of its own, so that two processes do not write into one file; the last rename wins.
  const temporary = `${cachePath}.${randomUUID()}`
  try {
    await mkdir(dirname(cachePath), { recursive: true })
    await writeFile(temporary, JSON.stringify({ version: VERSION, entries }))
    await rename(temporary, cachePath)
  } catch {
    // A full or read-only disk costs time at the next start, nothing else.
    await unlink(temporary).catch(() => {})
  }
}

function entryOf(path: string, facts: FileFacts, id: string): Entry {
  const { sizeBytes, mtimeNs, inode } = facts
  return { path, sizeBytes, mtimeNs: String(mtimeNs), inode: String(inode), id }
}

/** Nothing for a file that is missing, too large, damaged or of another version. */
async function readEntries(cachePath: string): Promise<Entry[]> {
  try {
    if ((await stat(cachePath)).size > MODEL_IDS_BYTES_MAX) return []
    const parsed = JSON.parse(await readFile(cachePath, 'utf8')) as unknown
    if (!isObject(parsed) || parsed['version'] !== VERSION) return []
    const { entries } = parsed
    return Array.isArray(entries) ? entries.filter(isEntry) : []
  } catch {
    // Absent or not JSON: nothing is remembered, and the next id replaces the file.
    return []
  }
}

function isEntry(value: unknown): value is Entry {
  return (
    isObject(value) &&
    typeof value['path'] === 'string' &&
    typeof value['sizeBytes'] === 'number' &&
    typeof value['mtimeNs'] === 'string' &&
    typeof value['inode'] === 'string' &&
    typeof value['id'] === 'string' &&
    /^[0-9a-f]{64}$/.test(value['id'])
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
