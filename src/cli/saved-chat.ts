// The file of a saved conversation: its text, by which any machine and model can go on, and the name of its
// keys and values, by which the stages that stored them find them again. Owns the file: written whole or not
// at all, never over a file of another kind, and read as what a stranger may have written. The keys and
// values themselves are on the stages' own disks (docs/kv-format.md).

import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'

import { readMessages } from '../api/request-fields.ts'
import { SwarmError } from '../base/errors.ts'
import { CONVERSATION_BYTES_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { readSaved } from '../wire/saved-prefix.ts'
import { readText } from './read-text.ts'

import type { ChatMessage, SavedPrefix } from '../api/service.ts'

const FORMAT = 'swarm conversation 1'
const NAME_CHARS = 100

export interface SavedChat {
  /** Of the model that answered, to be shown; null where it had none. */
  model: string | null
  messages: ChatMessage[]
  /** Null where no stage kept anything: the text alone is saved. */
  kv: SavedPrefix | null
}

/** @throws USAGE_BAD_VALUE when something else is there, STORE_FULL, STORE_UNREADABLE; AbortError */
export async function writeChat(path: string, chat: SavedChat, signal: AbortSignal): Promise<void> {
  const there = await textAt(path, signal)
  if (there !== null && formatOf(there) !== FORMAT) {
    const text = `${path} is there and is no saved conversation: save under another name`
    throw new SwarmError('USAGE_BAD_VALUE', text)
  }
  const draft = `${path}.new`
  try {
    // What people say to a model is theirs alone.
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify({ format: FORMAT, ...chat }, null, 1)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw fileError(path, error)
  }
}

/** @throws USAGE_BAD_VALUE, USAGE_TOO_LARGE, STORE_UNREADABLE; AbortError */
export async function readChat(path: string, signal: AbortSignal): Promise<SavedChat> {
  const text = await textAt(path, signal)
  if (text === null) {
    throw new SwarmError('USAGE_BAD_VALUE', `there is no file ${path}: name one that /save wrote`)
  }
  if (formatOf(text) !== FORMAT) {
    const what = 'is no conversation that this version of swarm saved'
    throw new SwarmError('USAGE_BAD_VALUE', `${path} ${what}: name one that /save wrote`)
  }
  const { model, kv, messages } = JSON.parse(text) as Record<string, unknown>
  try {
    return {
      model: typeof model === 'string' ? clip(model, NAME_CHARS) : null,
      messages: readMessages({ messages }) ?? [],
      kv: kv === null ? null : readSaved(kv)
    }
  } catch (cause) {
    const why = cause instanceof SwarmError ? cause.message : 'it is damaged'
    throw new SwarmError('USAGE_BAD_VALUE', `${path} cannot be read: ${why}`, { cause })
  }
}

/** Null where there is no file. */
async function textAt(path: string, signal: AbortSignal): Promise<string | null> {
  try {
    return await readText(createReadStream(path), path, CONVERSATION_BYTES_MAX, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw fileError(path, error)
  }
}

function formatOf(text: string): unknown {
  try {
    const value = JSON.parse(text) as { format?: unknown } | null
    return value?.format
  } catch {
    return null
  }
}

function fileError(path: string, error: unknown): unknown {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const text = `the disk is full: free some space for ${path} and save again`
    return new SwarmError('STORE_FULL', text, { cause: error })
  }
  if (error instanceof SwarmError || !/^E[A-Z]+$/.test(code)) return error
  const hint = 'choose another place, or mend its permissions'
  const text = `${path} cannot be used (${code}): ${hint}`
  return new SwarmError('STORE_UNREADABLE', text, { cause: error })
}
