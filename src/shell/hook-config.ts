// What the person allowed the hook, in the data directory. The file exists while the hook is enabled, so
// `disable` leaves nothing. Two consents apart: to note commands on this machine, and, per topic, that what
// is learnt from failures may go to the members. Owns the file; asks nobody.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs'
import { rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

import { SwarmError } from '../base/errors.ts'
import { TOPIC_NAME_BYTES_MAX } from '../base/limits.ts'
import { HOOK_FILE_BYTES_MAX, HOOK_TOPICS_MAX } from '../base/shell-limits.ts'
import { clip } from '../base/text.ts'
import { unusable } from './runtime-file.ts'

export interface HookConfig {
  enabled: boolean
  /** Names of topics to whose members learnt failures and fixes may go. */
  shareTopics: string[]
  /** One line above the next prompt when an answer to the last failure is known. */
  notice: boolean
}

const OFF: HookConfig = { enabled: false, shareTopics: [], notice: false }

/** @throws STORE_UNREADABLE for a file that is not ours: consent is never guessed. */
export function readHookConfig(dataDir: string): HookConfig {
  const path = pathIn(dataDir)
  let text: string
  try {
    if (statSync(path).size > HOOK_FILE_BYTES_MAX) throw damaged(path)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return OFF
    throw error instanceof SwarmError ? error : unusable(path, error)
  }
  return parse(text, path)
}

/** Whether what is learnt from a failure may go to the members of this topic. */
export function maySend(config: HookConfig, topic: string): boolean {
  return config.enabled && config.shareTopics.includes(topic)
}

/**
 * On the disk when it returns; disabled removes the file.
 * @throws STORE_UNREADABLE, STORE_FULL, USAGE_BAD_VALUE for a name that no topic has.
 */
export function writeHookConfig(dataDir: string, config: HookConfig): void {
  const path = pathIn(dataDir)
  if (!config.enabled) return rmSync(path, { force: true })
  for (const topic of config.shareTopics) if (!isTopic(topic)) throw badTopic(topic)
  if (config.shareTopics.length > HOOK_TOPICS_MAX) {
    const text = `more than ${HOOK_TOPICS_MAX} topics are shared with; take one back first`
    throw new SwarmError('USAGE_BAD_VALUE', text, { param: '--share' })
  }
  const written = `${path}.new`
  try {
    const fd = openSync(written, 'w', 0o600)
    try {
      writeSync(fd, `${JSON.stringify(config, null, 2)}\n`)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(written, path)
  } catch (error) {
    rmSync(written, { force: true })
    throw unusable(path, error)
  }
}

function parse(text: string, path: string): HookConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw damaged(path)
  }
  const { enabled, shareTopics, notice } = (value ?? {}) as Record<string, unknown>
  const isList = Array.isArray(shareTopics) && shareTopics.length <= HOOK_TOPICS_MAX
  if (typeof enabled !== 'boolean' || typeof notice !== 'boolean') throw damaged(path)
  if (!isList || !shareTopics.every(isTopic)) throw damaged(path)
  return { enabled, shareTopics, notice }
}

function isTopic(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const sizeBytes = Buffer.byteLength(value)
  return sizeBytes > 0 && sizeBytes <= TOPIC_NAME_BYTES_MAX
}

function badTopic(topic: string): SwarmError {
  const text = `'${clip(topic, 40)}' is no topic's name: that has 1 to ${TOPIC_NAME_BYTES_MAX} bytes`
  return new SwarmError('USAGE_BAD_VALUE', text, { param: '--share' })
}

function damaged(path: string): SwarmError {
  const text = `${path} is not what swarm hook enable wrote; remove it with: swarm hook disable`
  return new SwarmError('STORE_UNREADABLE', text)
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'hook.json')
}
