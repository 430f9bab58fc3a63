import test from 'brittle'

import { PromptLookup } from '../../src/pipeline/prompt-lookup.ts'
import { below, seededRandom } from '../../src/base/random.ts'

function lookup(ids: number[], position = 0): PromptLookup {
  const book = new PromptLookup()
  book.put(position, ids)
  return book
}

test('prompt lookup - what followed the same ids before is the guess', (t) => {
  t.alike(lookup([1, 2, 3, 4, 5, 9, 2, 3]).guess(3), { ids: [4, 5, 9], matched: 2 })
})

test('prompt lookup - the longest match wins, the latest of equal ones', (t) => {
  t.alike(lookup([7, 1, 2, 3, 8, 1, 2, 4, 7, 1, 2]).guess(1), { ids: [3], matched: 3 })
  t.alike(lookup([1, 2, 3, 8, 1, 2, 4, 9, 1, 2]).guess(1), { ids: [4], matched: 2 })
})

test('prompt lookup - a cycle goes on in the guess', (t) => {
  t.alike(lookup([5, 6, 7, 5, 6]).guess(7)?.ids, [7, 5, 6, 7, 5, 6, 7])
})

test('prompt lookup - ids that never stood together before give no guess', (t) => {
  t.is(lookup([]).guess(4), null)
  t.is(lookup([1]).guess(4), null)
  t.is(lookup([1, 1]).guess(4), null)
  t.is(lookup([1, 2, 3, 2, 1]).guess(4), null)
  t.is(lookup([1, 2, 1, 2]).guess(0), null, 'nor is one made where none is asked for')
})

test('prompt lookup - ids put at an earlier position replace what was there', (t) => {
  const book = lookup([1, 2, 3, 1, 2, 8, 8])
  book.put(5, [])
  t.alike(book.guess(1), { ids: [3], matched: 2 })
  book.put(2, [4, 1, 2])
  t.alike(book.guess(1), { ids: [4], matched: 2 })
  t.is(book.end, 5)
})

test('prompt lookup - behind a gap it begins anew', (t) => {
  const book = lookup([1, 2, 3])
  book.put(10, [1, 2])
  t.is(book.guess(2), null)
  t.is(book.end, 12)
  book.put(4, [5, 6, 7, 5, 6])
  t.alike(book.guess(1), { ids: [7], matched: 2 })
})

test('prompt lookup - after any puts it guesses like one that was told all at once', (t) => {
  const random = seededRandom(3)
  for (let round = 0; round < 200; round++) {
    const book = new PromptLookup()
    let all: number[] = []
    for (let i = 0; i < 12; i++) {
      const position = below(random, all.length + 1)
      const ids = Array.from({ length: below(random, 9) }, () => below(random, 3))
      book.put(position, ids)
      all = [...all.slice(0, position), ...ids]
    }
    const [guess, fresh] = [book.guess(5), lookup(all).guess(5)]
    // Places that made room for later ones do not come back when those go.
    if (guess !== null) t.ok((fresh?.matched ?? 0) >= guess.matched)
    if (all.length < 9) t.alike(guess, fresh)
  }
})
