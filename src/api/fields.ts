// Reading the fields of a JSON object that somebody sent. Every reader checks type and bound and names
// the field in its refusal; null counts as absent, as in OpenAI's API. Unknown fields are not looked at.

import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { checkRange, type NumberRange } from './sampling-options.ts'

export type JsonObject = Record<string, unknown>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws USAGE_BAD_VALUE */
export function badField(name: string, wanted: string, value: unknown): SwarmError {
  return new SwarmError('USAGE_BAD_VALUE', `${name} must be ${wanted}, not ${kindOf(value)}`, {
    param: name
  })
}

/** The value under `name`, with null and a missing field both as undefined. */
export function fieldOf(body: JsonObject, name: string): unknown {
  return Object.hasOwn(body, name) ? (body[name] ?? undefined) : undefined
}

/** @throws USAGE_BAD_VALUE */
export function numberField(
  body: JsonObject,
  name: string,
  range: NumberRange
): number | undefined {
  const value = fieldOf(body, name)
  if (value === undefined) return undefined
  if (typeof value !== 'number') throw badField(name, 'a number', value)
  return checkRange(name, value, range)
}

/** @throws USAGE_BAD_VALUE */
export function booleanField(body: JsonObject, name: string): boolean | undefined {
  const value = fieldOf(body, name)
  if (value === undefined || typeof value === 'boolean') return value
  throw badField(name, 'true or false', value)
}

/** @throws USAGE_BAD_VALUE */
export function textField(body: JsonObject, name: string): string | undefined {
  const value = fieldOf(body, name)
  if (value === undefined || typeof value === 'string') return value
  throw badField(name, 'a string', value)
}

/** @throws USAGE_BAD_VALUE */
export function objectField(body: JsonObject, name: string): JsonObject | undefined {
  const value = fieldOf(body, name)
  if (value === undefined || isJsonObject(value)) return value
  throw badField(name, 'an object', value)
}

/** @throws USAGE_BAD_VALUE when it is not an array or longer than `countMax`. */
export function listField(body: JsonObject, name: string, countMax: number): unknown[] | undefined {
  const value = fieldOf(body, name)
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw badField(name, 'an array', value)
  if (value.length <= countMax) return value
  throw new SwarmError(
    'USAGE_BAD_VALUE',
    `${name} has ${value.length} entries; at most ${countMax} are allowed`,
    { param: name }
  )
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? `'${clip(value, 40)}'` : String(value)
}
