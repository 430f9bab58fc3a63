// Which words of an entry are found, and which make its basin. Whoever learns and whoever indexes must
// agree, so it is said here once.

import type { Fact } from '../../wire/knowledge.ts'

/** What the basin of an entry is the vector of. */
export function basinText({ question, answer }: Pick<Fact, 'question' | 'answer'>): string {
  return question === '' ? answer : `${question}\n${answer}`
}

/** What the words of an entry are taken from. */
export function searchText(fact: Pick<Fact, 'question' | 'answer' | 'source'>): string {
  return `${basinText(fact)}\n${fact.source}`
}
