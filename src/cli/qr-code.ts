// A line of text as a QR code for a terminal, two modules to a character, so that a telephone or a
// laptop's camera can carry an invite to another machine. Owns the drawing; the code itself is uqr's.

import { encode } from 'uqr'

/** White modules around the code that scanners want (ISO/IEC 18004 asks for 4; 2 are enough on a screen). */
const BORDER = 2
/** Black on bright white, whatever the colours of the terminal. */
const [BEGIN, END] = ['\u001b[30;107m', '\u001b[0m']

/**
 * @param text ASCII; capitals, digits and `$%*+-./:` make a smaller code.
 * @param width columns of the terminal.
 * @returns lines with their colours; none where the code is wider than the terminal.
 */
export function qrLines(text: string, width: number): string[] {
  const { data, size } = encode(text, { border: BORDER })
  if (size > width) return []
  const lines: string[] = []
  for (let row = 0; row < size; row += 2) {
    const upper = data[row] as boolean[]
    const lower = data[row + 1] ?? []
    const drawn = upper.map((isDark, column) => half(isDark, lower[column] === true)).join('')
    lines.push(`${BEGIN}${drawn}${END}`)
  }
  return lines
}

function half(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
