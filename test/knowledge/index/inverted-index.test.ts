// BM25 against a plain reading of its formula over all entries, and the promise that only the entries
// that are there decide, however they came.

import test, { type Test } from 'brittle'
import { below, seededRandom, type Random } from '../../../src/base/random.ts'
import { InvertedIndex, type TextHit } from '../../../src/knowledge/index/inverted-index.ts'
import { log2Of } from '../../../src/knowledge/index/rarity.ts'

const any = () => true
const bySlot = (a: number, b: number) => a < b

/** Words as languages have them: few are everywhere, most are rare. */
function drawWords(random: Random, count: number): string[] {
  return Array.from({ length: count }, () => `w${below(random, 1 + below(random, 3000))}`)
}

function plainScores(entries: Map<number, string[]>, question: string[]): TextHit[] {
  const all = [...entries]
  const words = all.reduce((sum, [, list]) => sum + list.length, 0)
  const known = [...new Set(question)].map((word) => {
    const n = all.filter(([, list]) => list.includes(word)).length
    return { word, n, weight: Math.log2((all.length + 1) / (n + 0.5)) }
  })
  return all
    .map(([slot, list]) => {
      let score = 0
      for (const { word, weight } of known) {
        const count = list.filter((one) => one === word).length
        const length = list.length / (words / all.length)
        score += (weight * count * 2.2) / (count + 1.2 * (0.25 + 0.75 * length))
      }
      return { slot, score }
    })
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || a.slot - b.slot)
}

function checkLikePlain(t: Test, found: TextHit[], expected: TextHit[]): void {
  if (found.length !== expected.length) t.fail(`${found.length} found, not ${expected.length}`)
  for (const [place, { slot, score }] of found.entries()) {
    const wanted = expected[place] as TextHit
    if (Math.abs(score - wanted.score) > 1e-4) t.fail(`place ${place}: ${score} ${wanted.score}`)
    const [before, after] = [expected[place - 1], expected[place + 1]]
    const isClear = [before, after].every(
      (near) => near === undefined || Math.abs(near.score - wanted.score) > 1e-4
    )
    if (isClear && slot !== wanted.slot) t.fail(`place ${place}: ${slot}, not ${wanted.slot}`)
  }
}

test('inverted index - ranks as the formula says', (t) => {
  const random = seededRandom(1)
  const index = new InvertedIndex()
  const entries = new Map<number, string[]>()
  for (let slot = 0; slot < 400; slot++) {
    const words = drawWords(random, 1 + below(random, 40))
    index.add(slot, words)
    entries.set(slot, words)
  }
  for (let round = 0; round < 50; round++) {
    const question = drawWords(random, 1 + below(random, 12))
    const expected = plainScores(entries, question)
    checkLikePlain(t, index.search(question, 64, 1000, any, bySlot), expected)
    checkLikePlain(t, index.search(question, 64, 10, any, bySlot), expected.slice(0, 10))
  }
  t.pass()
})

test('inverted index - leaving out what cannot be among the best changes no place and no score', (t) => {
  const random = seededRandom(2)
  const index = new InvertedIndex()
  // Enough for words of several thousand postings, where leaving out begins.
  for (let slot = 0; slot < 12_000; slot++) index.add(slot, drawWords(random, 12))
  const isAllowed = (slot: number) => slot % 3 !== 0
  for (let round = 0; round < 40; round++) {
    const question = drawWords(random, 3 + below(random, 10))
    for (const allowed of [any, isAllowed]) {
      const whole = index.search(question, 64, 12_000, allowed, bySlot)
      for (const limit of [1, 10, 100]) {
        t.alike(index.search(question, 64, limit, allowed, bySlot), whole.slice(0, limit))
      }
    }
  }
})

test('inverted index - entries with many common words beat those with one rare word', (t) => {
  const index = new InvertedIndex()
  // The rare word gives about 4, less than the three common ones together and more than any one of them.
  const wordsAt = (slot: number): string[] => {
    if (slot < 300) return ['rare', 'x', 'y', 'z']
    return slot < 3300 ? ['a', 'b', 'c', 'w'] : ['u', 'v', 'w', 'x']
  }
  for (let slot = 0; slot < 10_000; slot++) index.add(slot, wordsAt(slot))
  const question = ['rare', 'a', 'b', 'c']
  const whole = index.search(question, 64, 10_000, any, bySlot)
  t.is(whole[0]?.slot, 300)
  t.ok((whole.at(-1)?.score ?? 0) > (whole[0]?.score ?? 0) / 2)
  t.alike(index.search(question, 64, 10, any, bySlot), whole.slice(0, 10))
})

test('inverted index - what came and went leaves no trace in a score', (t) => {
  const random = seededRandom(3)
  const index = new InvertedIndex()
  const entries = new Map<number, string[]>()
  for (let step = 0; step < 9000; step++) {
    const slot = below(random, 1500)
    const words = entries.get(slot)
    if (words === undefined || below(random, 3) === 0) {
      if (words !== undefined) index.remove(slot, words)
      const added = drawWords(random, 1 + below(random, 20))
      index.add(slot, added)
      entries.set(slot, added)
    } else {
      index.remove(slot, words)
      entries.delete(slot)
    }
  }
  const fresh = new InvertedIndex()
  for (const [slot, words] of [...entries].toReversed()) fresh.add(slot, words)
  t.is(index.size, entries.size)
  t.is(fresh.size, entries.size)
  for (let round = 0; round < 100; round++) {
    const question = drawWords(random, 6)
    const found = index.search(question, 64, 50, any, bySlot)
    t.alike(found, fresh.search(question, 64, 50, any, bySlot))
  }
})

test('inverted index - only the rarest words of a long question count', (t) => {
  const index = new InvertedIndex()
  for (let slot = 0; slot < 10; slot++)
    index.add(slot, slot === 7 ? ['all', 'rare'] : ['all', 'other'])
  const found = index.search(['all', 'rare', 'rare', 'unknown'], 1, 10, any, bySlot)
  t.alike(
    found.map(({ slot }) => slot),
    [7]
  )
})

test('inverted index - an empty index and unknown words find nothing', (t) => {
  const index = new InvertedIndex()
  t.alike(index.search(['a'], 64, 10, any, bySlot), [])
  index.add(0, ['a'])
  t.alike(index.search(['b'], 64, 10, any, bySlot), [])
  t.alike(index.search([], 64, 10, any, bySlot), [])
  index.remove(0, ['a'])
  index.remove(0, ['a'])
  t.is(index.size, 0)
  t.alike(index.search(['a'], 64, 10, any, bySlot), [])
})

test('rarity - log2 is exact at powers of two and right to 20 digits between them', (t) => {
  for (let power = 0; power < 40; power++) t.is(log2Of(2 ** power), power)
  for (let n = 1; n < 5000; n += 7) {
    const error = Math.log2(n) - log2Of(n)
    if (!(error >= -1e-9 && error < 2 ** -20 + 1e-9)) t.fail(`${n}: ${error}`)
  }
  t.pass()
})
