// The bodies of the routes to the shared memory, checked field by field. What may be learnt is the
// store's to say; here stand the shapes, and the bounds of what is asked.

import { SwarmError } from '../base/errors.ts'
import { QUERY_CHARS_MAX, QUERY_HITS_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import type { LearnRequest, QueryRequest } from '../wire/knowledge.ts'
import { badField, numberField, textField, type JsonObject } from './fields.ts'
import type { NumberRange } from './sampling-options.ts'
import type { KnowledgeService } from './service.ts'

export const HITS_RANGE: NumberRange = { min: 1, max: QUERY_HITS_MAX, whole: true }
const WALL_MS: NumberRange = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true }
const KINDS = ['text', 'fix'] as const
const SCOPES = ['swarm', 'local'] as const

/** @throws USAGE_MISSING, USAGE_BAD_VALUE */
export function readLearn(body: JsonObject): LearnRequest {
  const question = textField(body, 'question')
  const source = textField(body, 'source')
  const kind = choiceField(body, 'kind', KINDS)
  const scope = choiceField(body, 'scope', SCOPES)
  return {
    answer: requiredText(body, 'answer'),
    ...(question === undefined ? {} : { question }),
    ...(source === undefined ? {} : { source }),
    ...(kind === undefined ? {} : { kind }),
    ...(scope === undefined ? {} : { scope })
  }
}

/** @throws USAGE_MISSING, USAGE_BAD_VALUE, USAGE_TOO_LARGE */
export function readQuery(body: JsonObject): QueryRequest {
  const limit = numberField(body, 'limit', HITS_RANGE)
  const kind = choiceField(body, 'kind', KINDS)
  const author = textField(body, 'author')
  const source = textField(body, 'source')
  const sinceMs = numberField(body, 'sinceMs', WALL_MS)
  return {
    text: checkQuestion(requiredText(body, 'text')),
    ...(limit === undefined ? {} : { limit }),
    ...(kind === undefined ? {} : { kind }),
    ...(author === undefined ? {} : { author: checkAuthor(author) }),
    ...(source === undefined ? {} : { source }),
    ...(sinceMs === undefined ? {} : { sinceMs })
  }
}

/** @throws USAGE_TOO_LARGE */
export function checkQuestion(text: string): string {
  if (text.length <= QUERY_CHARS_MAX) return text
  const sentence = `the question has ${text.length} characters; at most ${QUERY_CHARS_MAX} are looked for`
  throw new SwarmError('USAGE_TOO_LARGE', sentence, { param: 'text' })
}

/** The first digits of a key, as `swarm peers` shows them. @throws USAGE_BAD_VALUE */
export function checkAuthor(text: string): string {
  const key = text.toLowerCase()
  if (/^[0-9a-f]{8,64}$/.test(key)) return key
  throw badField('author', '8 to 64 hexadecimal digits of a key', text)
}

/**
 * The whole id of an entry that was named by its first digits.
 * @throws USAGE_BAD_VALUE when that is no id, nobody's or several's.
 */
export function wholeId(knowledge: Pick<KnowledgeService, 'idsLike'>, text: string): string {
  const digits = text.toLowerCase()
  if (!/^[0-9a-f]{8,32}$/.test(digits)) throw badField('id', '8 to 32 hexadecimal digits', text)
  if (digits.length === 32) return digits
  const [id, ...others] = knowledge.idsLike(digits)
  if (id !== undefined && others.length === 0) return id
  const sentence =
    id === undefined
      ? `no entry's id begins with ${digits}; swarm query shows the ids`
      : `${others.length + 1} entries have ids that begin with ${digits}; give more digits`
  throw new SwarmError('USAGE_BAD_VALUE', sentence, { param: 'id' })
}

/** @throws USAGE_MISSING, USAGE_BAD_VALUE */
export function requiredText(body: JsonObject, name: string): string {
  const text = textField(body, name)
  if (text !== undefined) return text
  throw new SwarmError('USAGE_MISSING', `${name} is missing from the request body`, { param: name })
}

function choiceField<T extends string>(
  body: JsonObject,
  name: string,
  choices: readonly T[]
): T | undefined {
  const text = textField(body, name)
  const choice = choices.find((known) => known === text)
  if (text === undefined || choice !== undefined) return choice
  throw badField(name, `one of ${choices.join(', ')}`, clip(text))
}
