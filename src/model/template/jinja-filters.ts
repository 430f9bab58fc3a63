// Filters and methods of Jinja that the library lacks, or that could make a text too long before anyone
// measures it. Owns their meaning as in Python; jinja-interpreter.ts calls them with evaluated values.

import { PROMPT_CHARS_MAX } from '../../base/limits.ts'
import { entriesOf, itemsOf, printed, textOf, tooLong, toValue } from './jinja-values.ts'
import type { RuntimeValue as Value } from '@huggingface/jinja'

/** What stands in the parentheses of a call, evaluated. */
export interface Arguments {
  positional: Value[]
  named: Map<string, Value>
}

const TEXT_FILTERS = new Set(['trim', 'upper', 'lower', 'title', 'capitalize', 'replace', 'indent'])
const LIST_FILTERS = new Set([
  'list',
  'first',
  'last',
  'length',
  'count',
  'join',
  'reverse',
  'sort',
  'unique',
  'map',
  'selectattr',
  'rejectattr'
])

/** Filters take an undefined value for an empty text, list or mapping. */
export function emptyOperand(filter: string, operand: Value): Value {
  if (TEXT_FILTERS.has(filter)) return toValue('')
  if (LIST_FILTERS.has(filter)) return toValue([])
  return filter === 'items' || filter === 'dictsort' ? toValue({}) : operand
}

export function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': '#34', "'": '#39' }
  return text.replace(/[&<>"']/g, (character) => `&${names[character] as string};`)
}

/** @param method strip, lstrip or rstrip. */
export function strip(text: string, characters: string, method: string): string {
  const set = new Set(characters)
  const letters = Array.from(text)
  let start = 0
  let end = letters.length
  if (method !== 'rstrip') while (start < end && set.has(letters[start] as string)) start++
  if (method !== 'lstrip') while (end > start && set.has(letters[end - 1] as string)) end--
  return letters.slice(start, end).join('')
}

export function join(operand: Value, { positional, named }: Arguments): string {
  const [separatorArgument, attributeArgument] = positional
  const separator = printed(separatorArgument ?? named.get('d') ?? toValue(''))
  const attribute = named.get('attribute') ?? attributeArgument
  const items = itemsOf(operand) ?? Array.from(printed(operand), toValue)
  let length = separator.length * items.length
  const texts = items.map((item) => {
    const entry = attribute ? entriesOf(item)?.get(printed(attribute)) : item
    const text = printed(entry ?? toValue(undefined))
    length += text.length
    if (length > PROMPT_CHARS_MAX) throw tooLong()
    return text
  })
  return texts.join(separator)
}

export function indent(text: string, { positional, named }: Arguments): string {
  const [widthArgument, firstArgument, blankArgument] = positional
  const width = widthArgument ?? named.get('width') ?? toValue(4)
  const margin = textOf(width) ?? ' '.repeat(boundedWidth(width) ?? 4)
  const first = (firstArgument ?? named.get('first'))?.value === true
  const blank = (blankArgument ?? named.get('blank'))?.value === true
  const lines = text.split('\n')
  if (text.length + lines.length * margin.length > PROMPT_CHARS_MAX) throw tooLong()
  return lines
    .map((line, index) =>
      (index === 0 && !first) || (line === '' && !blank) ? line : margin + line
    )
    .join('\n')
}

/** @throws MODEL_BAD_TEMPLATE if the text would grow beyond its bound. */
export function checkReplace(text: string, { positional }: Arguments): void {
  const [from, to] = positional.map(printed)
  if (from === undefined || to === undefined) return
  const times = from === '' ? text.length + 1 : text.split(from).length - 1
  if (text.length + times * (to.length - from.length) > PROMPT_CHARS_MAX) throw tooLong()
}

/** Spaces of a margin; null where none is given. */
export function boundedWidth(value: Value | undefined): number | null {
  const width = value?.value
  if (typeof width !== 'number') return null
  return Math.max(0, Math.min(width, 1024))
}

/** The first of the smallest or largest items. */
export function extreme(items: Value[], name: 'min' | 'max'): Value {
  let best: Value | undefined
  for (const item of items) {
    const [a, b] = [item.value, best?.value] as [number, number | undefined]
    if (b === undefined || (name === 'min' ? a < b : a > b)) best = item
  }
  return best ?? toValue(undefined)
}
