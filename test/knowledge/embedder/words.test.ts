// How texts are cut into words. The rule is frozen: a change here makes another space.

import test from 'brittle'
import { seededRandom } from '../../../src/base/random.ts'
import { wordsOf } from '../../../src/knowledge/embedder/words.ts'

const CASES: [string, string[]][] = [
  ['', []],
  [' \n\t--', []],
  ['git push --set-upstream origin', ['git', 'push', 'set', 'upstream', 'origin']],
  ['fatal: No such file (os error 2)', ['fatal', 'no', 'such', 'file', 'os', 'error', '2']],
  ['libssl3_amd64.deb', ['libssl3', 'amd64', 'deb']],
  ['ÀÉ Þórður ×÷', ['àé', 'þórður']],
  ['ΑΘΗΝΑ ЁЖИК', ['αθηνα', 'ёжик']],
  ['“quoted” — dash… 50€', ['quoted', 'dash', '50']],
  ['日本語', ['日本', '本語']],
  ['日 本', ['日', '本']],
  ['日', ['日']],
  ['x日本y한', ['x', '日本', 'y', '한']],
  ['ok 👍 done', ['ok', 'done']],
  ['a\ud800b', ['a', 'b']],
  ['x'.repeat(100), ['x'.repeat(64)]]
]

test('words - are cut and folded as the table says', (t) => {
  for (const [text, words] of CASES) t.alike(wordsOf(text, 100), words, JSON.stringify(text))
})

test('words - no more than asked for are taken', (t) => {
  t.alike(wordsOf('a b c d', 2), ['a', 'b'])
  t.alike(wordsOf('日本語文', 2), ['日本', '本語'])
  t.alike(wordsOf('a', 0), [])
})

test('words - any text has words without separators, controls and capitals', (t) => {
  const random = seededRandom(9)
  for (let round = 0; round < 300; round++) {
    const units = Array.from({ length: 60 }, () => random.uint32() % (round % 2 ? 256 : 65_536))
    for (const word of wordsOf(String.fromCharCode(...units), 100)) {
      if (!/^[^\p{Cc}\sA-Z]+$/u.test(word)) t.fail(JSON.stringify(word))
    }
  }
  t.pass()
})
