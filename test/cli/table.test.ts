import test from 'brittle'
import { cellWidth } from '../../src/cli/printable.ts'
import { renderTable } from '../../src/cli/table.ts'

const columns = [{ title: 'peer' }, { title: 'layers', align: 'right' as const }]

test('table - columns are as wide as their widest text', (t) => {
  t.alike(
    renderTable(
      columns,
      [
        ['atlas', '0-11'],
        ['b', '12-23']
      ],
      80
    ),
    ['peer   layers', 'atlas    0-11', 'b       12-23']
  )
})

test('table - a narrow terminal cuts the widest column first', (t) => {
  const lines = renderTable(columns, [['a'.repeat(50), '12-23']], 20)
  t.alike(lines, ['peer          layers', 'aaaaaaaaaaa…   12-23'])
})

test('table - no line is wider than the terminal, wide characters counted', (t) => {
  const lines = renderTable(columns, [['漢字漢字漢字漢字漢字', '12-23']], 20)
  t.ok(lines.every((line) => cellWidth(line) <= 20))
})

test('table - foreign text cannot break a line or send a sequence', (t) => {
  const [, row] = renderTable(columns, [['a\n\u001b[31mb\u202e', 'x']], 80)
  t.is(row, 'a  [31mb        x')
})

test('table - a row that lacks a cell is padded', (t) => {
  t.alike(renderTable(columns, [['a']], 80)[1], 'a')
})
