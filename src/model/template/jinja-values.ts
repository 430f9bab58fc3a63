// Values inside a template as Python would print them: str(), repr() and json.dumps() of what
// @huggingface/jinja computes with. Owns the bound on the size of such a text, because a list that
// contains itself twice, forty times over, is small in memory and endless on paper.

import { Environment, type RuntimeValue as Value } from '@huggingface/jinja'
import { SwarmError } from '../../base/errors.ts'
import { PROMPT_CHARS_MAX, TEMPLATE_LIST_MAX } from '../../base/limits.ts'

export interface JsonOptions {
  indent: number | null
  separators: readonly [item: string, key: string] | null
  sortKeys: boolean
  ensureAscii: boolean
}

/** A runtime value of a plain JavaScript one. */
export function toValue(plain: unknown): Value {
  return new Environment().set('value', plain)
}

export function listValue(items: Value[]): Value {
  const list = toValue([])
  list.value = items
  return checkSize(list)
}

export function textOf(value: Value): string | null {
  return typeof value.value === 'string' ? value.value : null
}

export function itemsOf(value: Value): Value[] | null {
  return Array.isArray(value.value) ? (value.value as Value[]) : null
}

export function entriesOf(value: Value): Map<string, Value> | null {
  return value.value instanceof Map ? (value.value as Map<string, Value>) : null
}

export function isUndefined(value: Value): boolean {
  return value.type === 'UndefinedValue'
}

/** @throws MODEL_BAD_TEMPLATE for a text or list above its bound. */
export function checkSize(value: Value): Value {
  const size = textOf(value)?.length ?? 0
  if (size > PROMPT_CHARS_MAX) throw tooLong()
  if ((itemsOf(value)?.length ?? 0) > TEMPLATE_LIST_MAX) {
    throw new SwarmError(
      'MODEL_BAD_TEMPLATE',
      `the chat template makes a list of more than ${TEMPLATE_LIST_MAX} elements`
    )
  }
  return value
}

/** What `{{ value }}` writes. */
export function printed(value: Value): string {
  return textOf(value) ?? (isUndefined(value) ? '' : pythonText(value))
}

/** repr(value): strings in quotes, True, None. */
function pythonText(value: Value): string {
  const out = new BoundedText()
  const write = (item: Value): void => {
    const text = textOf(item)
    const items = itemsOf(item)
    const entries = entriesOf(item)
    if (text !== null) out.add(quoted(text))
    else if (items) {
      out.list('[', ']', ', ', items, write)
    } else if (entries) {
      out.list('{', '}', ', ', [...entries], ([key, entry]) => {
        out.add(`${quoted(key)}: `)
        write(entry)
      })
    } else out.add(scalarText(item))
  }
  write(value)
  return out.text
}

function scalarText(value: Value): string {
  switch (value.type) {
    case 'NullValue':
      return 'None'
    case 'UndefinedValue':
      return 'Undefined'
    case 'BooleanValue':
      return value.value ? 'True' : 'False'
    case 'FunctionValue':
      return '<function>'
    default:
      return value.toString()
  }
}

const ESCAPES: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[\\\n\r\t]|\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(2, '0')
    return ESCAPES[character] ?? `\\x${code}`
  })
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

/**
 * json.dumps(value) as Hugging Face's tojson filter calls it: no HTML escapes.
 * @throws MODEL_BAD_TEMPLATE for what JSON cannot say.
 */
export function jsonText(value: Value, options: JsonOptions): string {
  const { indent, separators, sortKeys, ensureAscii } = options
  const [itemSeparator, keySeparator] = separators ?? [indent === null ? ', ' : ',', ': ']
  const out = new BoundedText()
  const quote = (text: string) => {
    const json = JSON.stringify(text)
    return ensureAscii ? json.replace(/[\u007F-\uFFFF]/g, unicodeEscape) : json
  }
  const write = (item: Value, depth: number): void => {
    const margin = (levels: number) => (indent === null ? '' : `\n${' '.repeat(indent * levels)}`)
    const inside = margin(depth + 1)
    const text = textOf(item)
    const items = itemsOf(item)
    const entries = entriesOf(item)
    if (text !== null) out.add(quote(text))
    else if (items) {
      if (items.length === 0) return out.add('[]')
      const close = `${margin(depth)}]`
      out.list(`[${inside}`, close, itemSeparator + inside, items, (entry) =>
        write(entry, depth + 1)
      )
    } else if (entries) {
      if (entries.size === 0) return out.add('{}')
      const pairs = sortKeys
        ? [...entries].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        : [...entries]
      const close = `${margin(depth)}}`
      out.list(`{${inside}`, close, itemSeparator + inside, pairs, ([key, entry]) => {
        out.add(quote(key) + keySeparator)
        write(entry, depth + 1)
      })
    } else out.add(jsonScalar(item))
  }
  write(value, 0)
  return out.text
}

function jsonScalar(value: Value): string {
  switch (value.type) {
    case 'NullValue':
      return 'null'
    case 'BooleanValue':
      return value.value ? 'true' : 'false'
    case 'IntegerValue':
    case 'FloatValue':
      return value.toString()
    default:
      throw new SwarmError(
        'MODEL_BAD_TEMPLATE',
        `the chat template writes a value as JSON that is none (${value.type})`
      )
  }
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

class BoundedText {
  readonly #parts: string[] = []
  #length = 0

  get text(): string {
    return this.#parts.join('')
  }

  add(part: string): void {
    this.#length += part.length
    if (this.#length > PROMPT_CHARS_MAX) throw tooLong()
    this.#parts.push(part)
  }

  list<T>(
    open: string,
    close: string,
    separator: string,
    items: readonly T[],
    write: (item: T) => void
  ): void {
    this.add(open)
    for (const [index, item] of items.entries()) {
      if (index > 0) this.add(separator)
      write(item)
    }
    this.add(close)
  }
}

export function tooLong(): SwarmError {
  return new SwarmError(
    'MODEL_BAD_TEMPLATE',
    `the chat template makes a text of more than ${PROMPT_CHARS_MAX} characters`
  )
}
