// Texts that attack a terminal or a layout: what is left of them is one cell per unit, and obeyed by nobody.

import test from 'brittle'

import { seededRandom, below } from '../../src/base/random.ts'
import { foreign, foreignRows } from '../../src/tui/foreign.ts'

const CASES: [name: string, text: string, shown: string][] = [
  ['colours', 'a\u001b[31mred\u001b[0m', 'a [31mred [0m'],
  ['C1 sequences', 'a\u009b31mb\u009d0;title\u009c', 'a 31mb 0;title '],
  ['a title', '\u001b]0;owned\u0007', ' ]0;owned '],
  ['line breaks and tabs', 'a\r\nb\tc\u2028d\u2029e\u0085f', 'a  b c d e f'],
  ['bidirectional controls', 'a\u202eb\u2066c\u200fd', 'abcd'],
  ['what takes no cell', 'e\u0301 z\u0335\u200d\ufeff\u00adx', '\u00e9 zx'],
  ['wide characters', '\u8a08\u7b97\ud55c\uff21', '\u00b7\u00b7\u00b7\u00b7'],
  ['emoji', '\u{1f600}\u2705\u26a1\u2764\ufe0f', '\u00b7\u00b7\u00b7\u2764'],
  ['halves of a pair, private and unassigned', '\ud83da\ue000b\u0378', '\u00b7a\u00b7b\u00b7'],
  ['tags of the library', '{red-fg}{bold}x{/}', '{red-fg}{bold}x{/}'],
  [
    'what is fine',
    'na\u00efve \u03b1\u0434 \u2500\u2588\u28ff',
    'na\u00efve \u03b1\u0434 \u2500\u2588\u28ff'
  ]
]

for (const [name, text, shown] of CASES) {
  test(`foreign - ${name}`, (t) => t.is(foreign(text), shown))
}

test('foreign - whatever comes, no unit of it moves a cursor or takes two cells', (t) => {
  const random = seededRandom(4)
  let changed = 0
  for (let round = 0; round < 3000; round++) {
    const text = String.fromCodePoint(...Array.from({ length: 12 }, () => below(random, 0x11_0000)))
    const shown = foreign(text)
    if (shown !== text) changed++
    if (/[\p{Cc}\p{Cf}\p{M}\p{Zl}\p{Zp}\p{Cs}\p{Emoji_Presentation}]/u.test(shown)) {
      return t.fail(JSON.stringify(text))
    }
    if ([...shown].length !== shown.length) return t.fail(JSON.stringify(text))
  }
  t.ok(changed > 2000, 'the texts are hostile enough')
})

test('foreign - rows are never longer than asked, and lose nothing but spaces', (t) => {
  const text = 'one two three four\nfive\r\n\nabcdefghijklmnop 計算'
  for (const width of [1, 5, 9, 40]) {
    const rows = foreignRows(text, width)
    t.ok(
      rows.every((row) => row.length <= width),
      `width ${width}`
    )
    t.is(rows.join('').replaceAll(' ', ''), 'onetwothreefourfiveabcdefghijklmnop\u00b7\u00b7')
  }
  t.alike(foreignRows(text, 9), [
    'one two',
    'three',
    'four',
    'five',
    '',
    'abcdefghi',
    'jklmnop',
    '\u00b7\u00b7'
  ])
})
