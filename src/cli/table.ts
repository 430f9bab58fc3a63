// Rows of short texts as a table for people. Pure: widths come from the content, the widest columns give
// way when the terminal is narrow, and foreign text is made harmless first.

import { clip } from '../base/text.ts'
import { cellWidth, cutToCells } from './printable.ts'

export interface Column {
  title: string
  align?: 'right'
}

const GAP = '  '
const CELLS_MIN = 6

/** @returns lines; the first holds the titles. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number
): string[] {
  const cells = [columns.map((column) => column.title), ...rows].map((row) =>
    columns.map((_, index) => clip(row[index] ?? '', 200))
  )
  const widths = fitWidths(
    columns.map((_, index) => Math.max(...cells.map((row) => cellWidth(row[index] as string)))),
    width - GAP.length * (columns.length - 1)
  )
  return cells.map((row) =>
    row
      .map((text, index) => pad(text, widths[index] as number, columns[index]?.align))
      .join(GAP)
      .trimEnd()
  )
}

/** Takes from the widest columns, one cell at a time, until all fit or none can give more. */
function fitWidths(wanted: readonly number[], room: number): number[] {
  const widths = [...wanted]
  let excess = widths.reduce((sum, one) => sum + one, 0) - room
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths))
    if ((widths[widest] as number) <= CELLS_MIN) break
    widths[widest] = (widths[widest] as number) - 1
    excess--
  }
  return widths
}

function pad(text: string, cells: number, align: 'right' | undefined): string {
  const cut = cutToCells(text, cells)
  const space = ' '.repeat(Math.max(0, cells - cellWidth(cut)))
  return align === 'right' ? space + cut : cut + space
}
