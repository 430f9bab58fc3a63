import test from 'brittle'
import { cellWidth, cutToCells, printable } from '../../src/cli/printable.ts'

test('printable - no control character is left but line break and tab', (t) => {
  const all = Array.from({ length: 0xa0 }, (_, code) => String.fromCodePoint(code)).join('')
  const left = [...printable(all)].map((c) => c.codePointAt(0) as number)
  t.alike(
    left.filter((code) => code < 0x20 || code >= 0x7f),
    [9, 10]
  )
  t.is(left.length, 2 + 0x7f - 0x20)
})

test('printable - text of every script passes', (t) => {
  const text = 'žluťoučký 漢字 عربي \u{1f600}\t\n'
  t.is(printable(text), text)
})

test('printable - an escape sequence cannot be put together from pieces', (t) => {
  t.is(printable('a\u001b') + printable('[31mb\u009b'), 'a[31mb')
})

test('cell width - wide characters take two cells, marks none', (t) => {
  t.is(cellWidth('abc'), 3)
  t.is(cellWidth('漢字'), 4)
  t.is(cellWidth('e\u0301'), 1)
  t.is(cellWidth('\u{1f600}'), 2)
})

test('cell width - cutting keeps within the cells and says so', (t) => {
  t.is(cutToCells('abcdef', 6), 'abcdef')
  t.is(cutToCells('abcdef', 5), 'abcd…')
  t.is(cutToCells('漢字漢字', 5), '漢字…')
  t.is(cutToCells('漢字漢字', 4), '漢…')
})
