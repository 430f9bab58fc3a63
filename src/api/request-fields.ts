// The parts of a generation request that OpenAI's routes and the control route spell alike: sampling
// numbers under either spelling, stop strings, the bias table and messages whose content is joined.

import { SwarmError } from '../base/errors.ts'
import {
  CHAT_MESSAGES_MAX,
  CHAT_PARTS_MAX,
  LOGIT_BIAS_MAX,
  STOP_TEXTS_MAX,
  STOP_TEXT_CHARS_MAX,
  VOCAB_MAX
} from '../base/limits.ts'
import { clip } from '../base/text.ts'
import type { ChatMessage } from '../wire/generation.ts'
import type { Sampling } from '../wire/session.ts'
import { badField, fieldOf, isJsonObject, listField, type JsonObject } from './fields.ts'
import { checkRange, SAMPLING_RANGES } from './sampling-options.ts'

/**
 * One stop string or an array of them.
 * @throws USAGE_BAD_VALUE for an empty, over-long or non-string entry.
 */
export function readStop(body: JsonObject): string[] {
  const value = fieldOf(body, 'stop')
  if (value === undefined) return []
  const texts =
    typeof value === 'string' ? [value] : (listField(body, 'stop', STOP_TEXTS_MAX) ?? [])
  return texts.map((text) => {
    if (typeof text !== 'string') throw badField('stop', 'a string or an array of strings', text)
    return checkStop('stop', text)
  })
}

/** @throws USAGE_BAD_VALUE */
export function checkStop(name: string, text: string): string {
  if (text.length > 0 && text.length <= STOP_TEXT_CHARS_MAX) return text
  throw new SwarmError(
    'USAGE_BAD_VALUE',
    `${name} must have 1 to ${STOP_TEXT_CHARS_MAX} characters, not ${text.length}`,
    { param: name }
  )
}

/** OpenAI's `logit_bias`: token ids as keys. @throws USAGE_BAD_VALUE */
export function readBias(table: JsonObject | undefined, name: string): Sampling['bias'] {
  const entries = Object.entries(table ?? {})
  if (entries.length > LOGIT_BIAS_MAX) {
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `${name} has ${entries.length} entries; at most ${LOGIT_BIAS_MAX} are allowed`,
      { param: name }
    )
  }
  return entries.map(([key, value]) => {
    if (!/^\d{1,7}$/.test(key) || Number(key) >= VOCAB_MAX) {
      throw new SwarmError('USAGE_BAD_VALUE', `${name}: '${clip(key, 20)}' is not a token id`, {
        param: name
      })
    }
    if (typeof value !== 'number') throw badField(`${name}.${key}`, 'a number', value)
    return { id: Number(key), value: checkRange(`${name}.${key}`, value, SAMPLING_RANGES.bias) }
  })
}

/**
 * Messages in OpenAI's shape; content is a string or an array of text parts, which are joined.
 * @throws USAGE_BAD_VALUE, USAGE_UNSUPPORTED for parts that are not text and for roles of tools.
 */
export function readMessages(body: JsonObject): ChatMessage[] | undefined {
  const list = listField(body, 'messages', CHAT_MESSAGES_MAX)
  if (list?.length === 0) throw badField('messages', 'an array of at least one message', list)
  return list?.map((message, index) => readMessage(message, `messages[${index}]`))
}

const ROLES = new Map([
  ['system', 'system'],
  // OpenAI's newer word for the same place in a template.
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant']
])

function readMessage(message: unknown, name: string): ChatMessage {
  if (!isJsonObject(message)) throw badField(name, 'an object with role and content', message)
  const role = fieldOf(message, 'role')
  if (typeof role !== 'string') throw badField(`${name}.role`, 'a string', role)
  const known = ROLES.get(role)
  if (known === undefined) throw unsupported(`${name}.role`, `the role '${clip(role, 20)}'`)
  if (fieldOf(message, 'tool_calls') !== undefined) {
    throw unsupported(`${name}.tool_calls`, 'a call of a tool')
  }
  return { role: known, content: readContent(fieldOf(message, 'content'), `${name}.content`) }
}

function readContent(content: unknown, name: string): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw badField(name, 'a string or an array of text parts', content)
  if (content.length > CHAT_PARTS_MAX)
    throw badField(name, `at most ${CHAT_PARTS_MAX} parts`, content)
  return content
    .map((part, index) => {
      const partName = `${name}[${index}]`
      if (!isJsonObject(part)) throw badField(partName, 'an object with type and text', part)
      const type = fieldOf(part, 'type')
      if (type !== 'text') {
        throw unsupported(partName, `a content part of type '${clip(String(type), 20)}'`)
      }
      const text = fieldOf(part, 'text')
      if (typeof text !== 'string') throw badField(`${partName}.text`, 'a string', text)
      return text
    })
    .join('')
}

/** A field that has a meaning which this version cannot give it: refused, never dropped silently. */
export function unsupported(name: string, what: string): SwarmError {
  return new SwarmError(
    'USAGE_UNSUPPORTED',
    `${name}: ${what} is not supported by this version; leave it out`,
    { param: name }
  )
}
