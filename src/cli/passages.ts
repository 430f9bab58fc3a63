// A text -> the passages that it is learnt as: whole paragraphs, several short ones together, a long one
// cut where a line, a sentence or at least a word ends. Pure.

import { PASSAGE_CHARS_MAX } from '../base/limits.ts'

/** @returns passages of 1 to `charsMax` UTF-16 units, in order; none of an empty text. */
export function passagesOf(text: string, charsMax = PASSAGE_CHARS_MAX): string[] {
  const passages: string[] = []
  let passage = ''
  for (const paragraph of text.split(/\n[^\S\n]*\n\s*/)) {
    for (const piece of piecesOf(paragraph.trim(), charsMax)) {
      if (passage === '') passage = piece
      else if (passage.length + 2 + piece.length <= charsMax) passage += `\n\n${piece}`
      else {
        passages.push(passage)
        passage = piece
      }
    }
  }
  return passage === '' ? passages : [...passages, passage]
}

function piecesOf(paragraph: string, charsMax: number): string[] {
  const pieces: string[] = []
  let rest = paragraph
  while (rest.length > charsMax) {
    const at = cutOf(rest, charsMax)
    pieces.push(rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
  }
  return rest === '' ? pieces : [...pieces, rest]
}

/** Where to cut the first `charsMax` units: after a line, a sentence or a word, in their second half. */
function cutOf(text: string, charsMax: number): number {
  const head = text.slice(0, charsMax)
  for (const end of [/\n(?=[^\n]*$)/, /[.!?]\s(?=(?:(?![.!?]\s)[\s\S])*$)/, /\s(?=\S*$)/]) {
    const at = head.search(end)
    if (at >= charsMax / 2) return at + 1
  }
  // Never between the halves of one character.
  return /[\ud800-\udbff]$/.test(head) ? charsMax - 1 : charsMax
}
