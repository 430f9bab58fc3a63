// Text of a model or a peer made fit for a terminal, and the cells that it takes there. Pure.

/**
 * Without control characters (C0, C1, DEL) but line breaks and tabs: a model can write escape sequences,
 * and a terminal obeys them. Only for a terminal; a pipe gets the text as it is.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '')
}

// East Asian wide and emoji take two cells; marks that combine take none. Ranges after Unicode's
// EastAsianWidth (W, F) in the blocks that occur in names; exact enough to keep columns straight.
const WIDE = new RegExp(
  '[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f' +
    '\\uff00-\\uff60\\uffe0-\\uffe6\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]',
  'u'
)
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u

export function cellWidth(text: string): number {
  let cells = 0
  for (const character of text) cells += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return cells
}

/** Cut to so many cells, with an ellipsis where something is missing. */
export function cutToCells(text: string, cellsMax: number): string {
  if (cellWidth(text) <= cellsMax) return text
  let cut = ''
  let cells = 0
  for (const character of text) {
    cells += cellWidth(character)
    if (cells > cellsMax - 1) break
    cut += character
  }
  return `${cut}…`
}
