// Text -> words, for the embedder and the inverted index alike. The rule is part of the embedder's space
// and frozen with it, so it is written here in code points and asks nothing of the runtime's Unicode
// tables, which differ between versions: letters are folded to lower case in Latin-1, Greek and Cyrillic
// only, and texts in composed and decomposed form are different texts.

/** Code points of one word at most; what follows in the same word is left out. Longer ones are data. */
const WORD_POINTS_MAX = 64

/** Ranges above ASCII that separate words: controls, punctuation, symbols, private use, emoji. */
const SEPARATORS: readonly (readonly [number, number])[] = [
  [0x80, 0xbf],
  [0xd7, 0xd7],
  [0xf7, 0xf7],
  [0x2000, 0x2bff],
  [0x2e00, 0x2e7f],
  [0x3000, 0x303f],
  [0xd800, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff0f],
  [0xff1a, 0xff20],
  [0xfff0, 0xffff],
  [0x1f000, 0x1faff],
  [0xe0000, 0x10ffff]
]

/** Scripts that write no spaces: kana, han, hangul. Each two neighbours are a word. */
const UNSPACED: readonly (readonly [number, number])[] = [
  [0x3040, 0x30ff],
  [0x3400, 0x9fff],
  [0xac00, 0xd7af],
  [0xf900, 0xfaff],
  [0x20000, 0x3ffff]
]

/**
 * The words of a text, in order, folded.
 * @param countMax words at most; the rest of the text is not looked at.
 */
export function wordsOf(text: string, countMax: number): string[] {
  const words: string[] = []
  let word = ''
  let points = 0
  // The last letter of an unspaced script, and whether it has been part of a pair yet.
  let before = ''
  let isPaired = false
  const end = (): void => {
    if (word !== '') words.push(word)
    if (before !== '' && !isPaired) words.push(before)
    word = before = ''
    points = 0
    isPaired = false
  }
  for (const character of text) {
    if (words.length >= countMax) break
    const point = fold(character.codePointAt(0) as number)
    if (isLetter(point)) {
      if (before !== '') end()
      if (points++ < WORD_POINTS_MAX) word += String.fromCodePoint(point)
    } else if (isIn(UNSPACED, point)) {
      if (before === '') end()
      else {
        words.push(before + character)
        isPaired = true
      }
      before = character
    } else end()
  }
  end()
  return words.slice(0, countMax)
}

function fold(point: number): number {
  if (point < 0x80) return point >= 0x41 && point <= 0x5a ? point + 32 : point
  if (point >= 0xc0 && point <= 0xde && point !== 0xd7) return point + 32
  if (point >= 0x391 && point <= 0x3a9) return point + 32
  if (point >= 0x410 && point <= 0x42f) return point + 32
  if (point >= 0x400 && point <= 0x40f) return point + 80
  return point
}

function isLetter(point: number): boolean {
  if (point < 0x80) return (point >= 0x61 && point <= 0x7a) || (point >= 0x30 && point <= 0x39)
  return !isIn(SEPARATORS, point) && !isIn(UNSPACED, point)
}

function isIn(ranges: readonly (readonly [number, number])[], point: number): boolean {
  return ranges.some(([from, to]) => point >= from && point <= to)
}
