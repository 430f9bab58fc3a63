// What `swarm learn` was given: a text, a file or standard input. Owns telling them apart and refusing what
// is no text, so that a mistyped file name is not learnt as a sentence.

import { createReadStream, statSync, type Stats } from 'node:fs'
import { basename } from 'node:path'
import { SwarmError } from '../base/errors.ts'
import { LEARN_FILE_BYTES_MAX } from '../base/limits.ts'
import { clip, formatSize } from '../base/text.ts'
import { readText } from './read-text.ts'

export interface LearnSource {
  text: string
  /** Name of the file; empty for a text and for standard input. */
  source: string
}

/** @throws USAGE_BAD_VALUE, USAGE_TOO_LARGE; AbortError */
export async function readLearnSource(
  given: string,
  stdin: AsyncIterable<Uint8Array | string>,
  signal: AbortSignal
): Promise<LearnSource> {
  if (given === '-') {
    const text = await readText(stdin, 'standard input', LEARN_FILE_BYTES_MAX, signal)
    return { text: checkText(text, 'standard input'), source: '' }
  }
  const stats = statOf(given)
  if (stats === null) return { text: checkIsText(given), source: '' }
  const what = `the file ${clip(given)}`
  if (!stats.isFile()) {
    const text = `${clip(given)} is no file; give files one by one, or a text in quotes`
    throw new SwarmError('USAGE_BAD_VALUE', text)
  }
  if (stats.size > LEARN_FILE_BYTES_MAX) {
    const [size, most] = [stats.size, LEARN_FILE_BYTES_MAX].map(formatSize)
    const text = `${what} has ${size}, at most ${most} are learnt at once; learn a part of it`
    throw new SwarmError('USAGE_TOO_LARGE', text)
  }
  const text = await readFileText(given, what, signal)
  return { text: checkText(text, what), source: basename(given) }
}

async function readFileText(path: string, what: string, signal: AbortSignal): Promise<string> {
  try {
    return await readText(createReadStream(path), what, LEARN_FILE_BYTES_MAX, signal)
  } catch (error) {
    if (error instanceof SwarmError || signal.aborted) throw error
    const cause = error instanceof Error ? error.message : String(error)
    throw new SwarmError('USAGE_BAD_VALUE', `${what} cannot be read: ${cause}`, { cause: error })
  }
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null
  }
}

/** One word that looks like a path is a mistake more often than knowledge. */
function checkIsText(text: string): string {
  if (!/\s/.test(text) && /[/\\]|\.[a-z0-9]{1,5}$/i.test(text)) {
    const sentence = `there is no file ${clip(text)}; to learn a text, write it as a sentence`
    throw new SwarmError('USAGE_BAD_VALUE', sentence)
  }
  return text
}

function checkText(text: string, what: string): string {
  if (!text.includes('\0')) return text
  throw new SwarmError('USAGE_BAD_VALUE', `${what} is binary; swarm learn takes text`)
}
