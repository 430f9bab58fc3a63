// How a text is cut for learning.

import test from 'brittle'
import { below, seededRandom } from '../../src/base/random.ts'
import { passagesOf } from '../../src/cli/passages.ts'

test('passages - short paragraphs go together, and none is torn', (t) => {
  t.alike(passagesOf('one\ntwo\n\nthree\n \n\nfour', 12), ['one\ntwo', 'three\n\nfour'])
  t.alike(passagesOf('  one  ', 12), ['one'])
  t.alike(passagesOf('a\r\n\r\nb', 3), ['a', 'b'])
})

test('passages - an empty text has none', (t) => {
  t.alike(passagesOf(''), [])
  t.alike(passagesOf('\n \n\t\n'), [])
})

test('passages - a long paragraph ends at a line, else a sentence, else a word', (t) => {
  t.alike(passagesOf('aaaa bbbb\ncccc dddd. e', 16), ['aaaa bbbb', 'cccc dddd. e'])
  t.alike(passagesOf('aaaa bbbb. cccc dddd', 16), ['aaaa bbbb.', 'cccc dddd'])
  t.alike(passagesOf('aaaa bbbb cccc dddd', 16), ['aaaa bbbb cccc', 'dddd'])
  t.alike(passagesOf('a'.repeat(40), 16), ['a'.repeat(16), 'a'.repeat(16), 'a'.repeat(8)])
})

test('passages - no character is lost, doubled or cut in two', (t) => {
  const random = seededRandom(4)
  const letters = ['a', 'b', '. ', ' ', '\n', '\n\n', '😀', 'é', 'word ']
  for (let round = 0; round < 500; round++) {
    const parts = Array.from(
      { length: below(random, 80) },
      () => letters[below(random, letters.length)]
    )
    const text = parts.join('')
    const passages = passagesOf(text, 16)
    t.is(passages.join('').replace(/\s/g, ''), text.replace(/\s/g, ''))
    const isWhole = (one: string) =>
      one.length > 0 && one.length <= 16 && !/\p{Surrogate}/u.test(one)
    if (!passages.every(isWhole)) t.fail(JSON.stringify(passages))
  }
})
