// A word -> its features, as hashes: the word itself and its character 3- to 5-grams, so that words of one
// stem and words with a slip are near each other. Only 32-bit integer operations; part of the frozen
// space. scripts/idf-table.mjs counts the same features, through this file.

const GRAM_MIN = 3
const GRAM_MAX = 5
/** UTF-16 units of a word that grams are taken of: what is longer is seldom a word. */
const GRAM_UNITS_MAX = 24

const WORD_SEED = 0x811c9dc5
const GRAM_SEED = 0x01000193

/** @returns hashes, uint32; the same one several times where a gram repeats. */
export function featuresOf(word: string): number[] {
  const features = [hashOf(word, 0, word.length, WORD_SEED)]
  const padded = `<${word.slice(0, GRAM_UNITS_MAX)}>`
  for (let length = GRAM_MIN; length <= GRAM_MAX; length++) {
    for (let at = 0; at + length <= padded.length; at++) {
      features.push(hashOf(padded, at, at + length, GRAM_SEED))
    }
  }
  return features
}

/** FNV-1a over UTF-16 units, then the finaliser of MurmurHash3, after which every bit can be used. */
function hashOf(text: string, start: number, end: number, seed: number): number {
  let hash = seed
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
