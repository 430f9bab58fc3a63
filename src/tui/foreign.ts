// Text of models, peers and users made fit for one row of cells: the one gate between what came over the
// network and the screen. Pure. Afterwards every UTF-16 unit is one cell wide and obeyed by no terminal,
// so that a row is as long as its text; what that costs is that wide characters are shown as a dot.

/** Stands for a character that takes two cells or is none. */
const STANDS_FOR_WIDE = '\u00b7'

// What ends a line, moves the cursor or begins a sequence: C0, C1, DEL, line and paragraph separators.
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
// Takes no cell: bidirectional controls, joiners, combining marks.
const NO_CELL = /[\p{Cf}\p{M}]/u
// Two cells, or whatever a font makes of it. East Asian wide and fullwidth blocks of Unicode's
// EastAsianWidth; emoji that are shown as pictures; not assigned, private, half of a pair.
const WIDE = new RegExp(
  '[\\u1100-\\u115f\\u2329\\u232a\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97f\\uac00-\\ud7a3' +
    '\\uf900-\\ufaff\\ufe10-\\ufe19\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6' +
    '\\p{Emoji_Presentation}\\p{Cn}\\p{Co}\\p{Cs}]',
  'u'
)
/** Anything else is passed on without a look. */
const SIMPLE = /^[\x20-\x7e]*$/

/** One row of cells: control characters are spaces, what takes no cell is gone. */
export function foreign(text: string): string {
  if (SIMPLE.test(text)) return text
  let shown = ''
  for (const character of text.normalize('NFC')) {
    if (CONTROL.test(character)) shown += ' '
    else if (NO_CELL.test(character)) continue
    else if (character.length > 1 || WIDE.test(character)) shown += STANDS_FOR_WIDE
    else shown += character
  }
  return shown
}

/** Rows of at most so many cells; breaks at line breaks, and between words where there are some. */
export function foreignRows(text: string, width: number): string[] {
  return text.split(/\r\n|\r|\n/).flatMap((line) => wrapCells(foreign(line), width))
}

function wrapCells(line: string, width: number): string[] {
  const rows: string[] = []
  let rest = line
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const at = space > width / 2 ? space : width
    rows.push(rest.slice(0, at))
    rest = rest.slice(space === at ? at + 1 : at)
  }
  return [...rows, rest]
}
