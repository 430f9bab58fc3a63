// A line of text while it is typed. Pure: a key makes the next text of it. Typing is at the end of the
// line; what is erased is the last character, the last word, or all of it.

import { DASH_INPUT_CHARS_MAX } from '../base/limits.ts'

import type { Key } from './message.ts'

/** @returns null when the key changes nothing here. */
export function typed(text: string, key: Key): string | null {
  if (key.name === 'backspace') return text === '' ? null : [...text].slice(0, -1).join('')
  if (key.ctrl && key.name === 'u') return ''
  if (key.ctrl && key.name === 'w') return text.replace(/\S*\s*$/, '')
  if (key.text === '' || key.ctrl) return null
  return text.length + key.text.length <= DASH_INPUT_CHARS_MAX ? text + key.text : null
}
