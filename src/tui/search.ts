// The search in the shared memory, as a value: what is typed, what was found, which answer is chosen. Pure.

import type { Hit } from '../wire/knowledge.ts'

export interface Search {
  input: string
  /** Keys go to the input. */
  isTyping: boolean
  /** Counts the searches. */
  search: number
  state: 'idle' | 'running' | 'done' | 'failed'
  /** What was searched for. */
  text: string
  hits: readonly Hit[]
  /** Why nothing could be searched. */
  reason: string
  selected: number
  /** The chosen answer is shown whole. */
  isOpen: boolean
}

export const emptySearch: Search = {
  input: '',
  isTyping: false,
  search: 0,
  state: 'idle',
  text: '',
  hits: [],
  reason: '',
  selected: 0,
  isOpen: false
}

export function begun(search: Search): Search {
  const next = { ...search, search: search.search + 1, state: 'running' as const }
  return { ...next, text: search.input, isTyping: false, hits: [], selected: 0, isOpen: false }
}

export function found(search: Search, hits: readonly Hit[]): Search {
  return { ...search, state: 'done', hits, selected: 0 }
}

export function failedSearch(search: Search, reason: string): Search {
  return { ...search, state: 'failed', reason, hits: [] }
}

/** The answer further down, or up; stays within what was found. */
export function chosen(search: Search, step: number): Search {
  const selected = Math.max(0, Math.min(search.hits.length - 1, search.selected + step))
  return { ...search, selected }
}
