// The lists of keys of one data directory, in the file `gate`. Owns reading and replacing it: a reader
// finds the old lists or the new ones, never half of either, also after a power cut. A file that is
// damaged is refused, because a lost revocation would let somebody in.

import * as fs from 'node:fs'
import { join } from 'node:path'

import { SwarmError } from '../../base/errors.ts'
import { GATE_FILE_BYTES_MAX } from '../../base/limits.ts'
import { formatGate, OPEN_GATE, parseGate, type GateList } from './gate-list.ts'

const FILE_NAME = 'gate'

/** @returns an open gate when there is no file. @throws STORE_UNREADABLE */
export function readGate(dataDir: string): GateList {
  const path = join(dataDir, FILE_NAME)
  let text: string
  try {
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return OPEN_GATE
    if (stat.size > GATE_FILE_BYTES_MAX) throw damaged(path)
    text = fs.readFileSync(path, 'utf8')
  } catch (error) {
    throw error instanceof SwarmError ? error : unusable(path, error)
  }
  const list = parseGate(text)
  if (list === null) throw damaged(path)
  return list
}

/** Returns when the lists will survive a power cut. @throws STORE_UNREADABLE */
export function writeGate(dataDir: string, list: GateList): void {
  const path = join(dataDir, FILE_NAME)
  const draft = `${path}.${process.pid}`
  try {
    const file = fs.openSync(draft, 'w', 0o600)
    try {
      fs.writeSync(file, formatGate(list))
      fs.fsyncSync(file)
    } finally {
      fs.closeSync(file)
    }
    fs.renameSync(draft, path)
    syncFolder(dataDir)
  } catch (error) {
    fs.rmSync(draft, { force: true })
    throw unusable(path, error)
  }
}

/** The new name is in the folder; without this a power cut may still bring the old one back. */
function syncFolder(path: string): void {
  const folder = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(folder)
  } finally {
    fs.closeSync(folder)
  }
}

function damaged(path: string): SwarmError {
  return new SwarmError(
    'STORE_UNREADABLE',
    `The list of keys ${path} is damaged; restore it, or delete it to let in whoever knows the topic`
  )
}

function unusable(path: string, cause: unknown): SwarmError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new SwarmError('STORE_UNREADABLE', `The list of keys ${path} cannot be used: ${reason}`, {
    cause
  })
}
