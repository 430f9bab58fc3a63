import test from 'brittle'

import { DRAFT_TOKENS_MAX } from '../../src/base/limits.ts'
import { seededRandom, unit } from '../../src/base/random.ts'
import { DraftLength } from '../../src/pipeline/draft-length.ts'

interface Weather {
  /** Time of a plain step. */
  plainMs: number
  /** What each drafted id adds. */
  rowMs: number
  /** Share of guessed ids that are right, each for itself. */
  right: number
  /** Share of steps that have a guess at all. */
  guessed?: number
  /** Every step takes up to so much longer, by its share. */
  noise?: number
  matched?: number
  tokens?: number
  seed?: number
}

/** @returns time of plain decoding over that with drafts, and how many ids were drafted. */
function answer(weather: Weather, length = new DraftLength()) {
  const { plainMs, rowMs, right, guessed = 1, noise = 0, matched = 12, tokens = 256 } = weather
  const random = seededRandom(weather.seed ?? 1)
  const slower = () => 1 + noise * unit(random)
  let [done, tookMs, plainTookMs, drafts] = [0, 0, 0, 0]
  while (done < tokens) {
    const isGuessed = unit(random) < guessed
    const most = Math.min(DRAFT_TOKENS_MAX, tokens - done - 1)
    const drafted = isGuessed ? length.choose(matched, most) : 0
    let hits = 0
    while (hits < DRAFT_TOKENS_MAX && unit(random) < right) hits++
    const came = 1 + Math.min(hits, drafted)
    const elapsedMs = (plainMs + drafted * rowMs) * slower()
    length.observe({
      matched: isGuessed ? matched : 0,
      drafted,
      right: isGuessed ? Math.min(hits, came) : 0,
      isWrong: isGuessed && hits < came,
      tokens: came,
      elapsedMs
    })
    drafts += drafted
    done += came
    tookMs += elapsedMs
    for (let i = 0; i < came; i++) plainTookMs += plainMs * slower()
  }
  return { ratio: plainTookMs / tookMs, drafts }
}

test('draft length - repetitive text over a long ring is several times as fast', (t) => {
  const { ratio } = answer({ plainMs: 60, rowMs: 2, right: 0.97 })
  t.ok(ratio > 4, ratio.toFixed(2))
})

test('draft length - nothing is drafted where every row costs as much as a step', (t) => {
  const { ratio, drafts } = answer({ plainMs: 20, rowMs: 20, right: 0.9 })
  t.ok(ratio > 0.97, ratio.toFixed(3))
  t.ok(drafts < 128, `${drafts} ids for 256 tokens`)
})

test('draft length - wrong guesses are noticed without computing them', (t) => {
  const { ratio, drafts } = answer({ plainMs: 20, rowMs: 6, right: 0.05 })
  t.ok(ratio > 0.97, ratio.toFixed(3))
  t.ok(drafts < 20, `${drafts} ids`)
})

test('draft length - in no weather it is below 0.97 of plain decoding', (t) => {
  let [least, seed] = [2, 1]
  for (const tokens of [128, 512]) {
    for (const rowShare of [0, 0.02, 0.1, 0.3, 0.6, 1, 1.3]) {
      for (const right of [0, 0.1, 0.3, 0.5, 0.7, 0.9]) {
        for (const matched of [2, 4, 12]) {
          for (const guessed of [0.2, 1]) {
            const shape = { plainMs: 30, rowMs: 30 * rowShare, right, matched, guessed, tokens }
            const { ratio } = answer({ ...shape, seed: seed++ })
            least = Math.min(least, ratio)
            if (ratio < 0.97) t.fail(`${JSON.stringify(shape)}: ${ratio.toFixed(3)}`)
          }
        }
      }
    }
  }
  t.ok(least < 1, `the worst is ${least.toFixed(3)}: some weather costs something`)
})

test('draft length - a text that stops repeating itself costs little of what it gained', (t) => {
  const length = new DraftLength()
  answer({ plainMs: 40, rowMs: 4, right: 0.98 }, length)
  const { ratio } = answer({ plainMs: 40, rowMs: 4, right: 0 }, length)
  t.ok(ratio > 0.95, ratio.toFixed(3))
})

test('draft length - a text that begins to repeat itself is noticed', (t) => {
  const length = new DraftLength()
  answer({ plainMs: 40, rowMs: 4, right: 0 }, length)
  const { ratio } = answer({ plainMs: 40, rowMs: 4, right: 0.98 }, length)
  t.ok(ratio > 2, ratio.toFixed(2))
})

test('draft length - a row that once took long by chance is tried again', (t) => {
  const length = new DraftLength()
  const plain = { matched: 12, drafted: 0, right: 1, isWrong: false, tokens: 1, elapsedMs: 20 }
  for (let i = 0; i < 12; i++) length.observe(plain)
  const first = length.choose(12, 16)
  t.is(first, 2)
  length.observe({ ...plain, drafted: 2, right: 3, tokens: 3, elapsedMs: 900 })
  t.is(length.choose(12, 16), 0)
  let waited = 0
  while (length.choose(12, 16) === 0 && waited < 400) {
    length.observe(plain)
    waited++
  }
  t.ok(waited < 200, `after ${waited} tokens`)
})

test('draft length - no more is drafted than there is room for', (t) => {
  const length = new DraftLength()
  answer({ plainMs: 60, rowMs: 1, right: 0.99, tokens: 200 }, length)
  length.observe({ matched: 12, drafted: 0, right: 1, isWrong: false, tokens: 1, elapsedMs: 60 })
  t.is(length.choose(12, 16), 16)
  t.is(length.choose(12, 15), 8)
  t.is(length.choose(12, 3), 2)
  t.is(length.choose(12, 1), 0)
})

test('draft length - nothing is drafted before a plain step was timed', (t) => {
  const length = new DraftLength()
  t.is(length.choose(20, 16), 0)
  const still = { matched: 0, drafted: 0, right: 0, isWrong: false, tokens: 1, elapsedMs: 0 }
  for (let i = 0; i < 9; i++) length.observe(still)
  t.is(length.choose(20, 16), 0, 'nor by a clock that stands still')
})
