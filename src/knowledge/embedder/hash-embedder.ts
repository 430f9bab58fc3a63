// The embedder that needs no download: every feature of a text adds its weight, with a sign, to one of 256
// sums, and the sums become a unit vector. Weights and sums are integers and the rest is one square root
// and 256 divisions, which IEEE defines exactly, so a text has the same vector on every machine.
// It knows spelling and rarity, not meaning; docs/knowledge.md has the figures.

import { createHash } from 'node:crypto'
import { EMBEDDING_DIM } from '../../base/limits.ts'
import type { Embedder } from './embedder.ts'
import { featuresOf } from './features.ts'
import { IDF_TABLE } from './idf-table.ts'
import { rarityOf } from './idf.ts'
import { wordsOf } from './words.ts'

/** Words of a text that count: three pages. A longer text is about more than one point can say. */
const WORDS_MAX = 1500
/** Four times the square root of how often a feature occurs: twice as often is not twice as much. */
const REPEATS = [0, 4, 6, 7, 8, 9, 10, 11, 11, 12, 13, 13, 14, 14, 15, 15] as const

/** Whatever changes a vector changes this text, or the table that is hashed with it. */
const SPECIFICATION =
  'swarm hash embedder 1: words 1, with their 3-5-grams of 24 units; feature -> index = hash & 255, ' +
  `sign = bit 8, weight = rarity * repeats; at most ${WORDS_MAX} words; repeats ${REPEATS.join(' ')}`

export const hashEmbedder: Embedder = {
  spaceId: createHash('sha256').update(`${SPECIFICATION}\n${IDF_TABLE}`).digest('hex').slice(0, 16),
  embed
}

function embed(text: string): Float32Array {
  const sums = new Float64Array(EMBEDDING_DIM)
  for (const [hash, count] of countFeatures(text)) {
    const repeats = REPEATS[Math.min(count, REPEATS.length - 1)] as number
    const weight = rarityOf(hash) * repeats
    const at = hash & 255
    sums[at] = (sums[at] as number) + ((hash & 256) === 0 ? weight : -weight)
  }
  let squares = 0
  for (const sum of sums) squares += sum * sum
  if (squares === 0) {
    // Nothing to say, or all of it cancelled: one fixed point for all such texts.
    sums[0] = squares = 1
  }
  const length = Math.sqrt(squares)
  return Float32Array.from(sums, (sum) => sum / length)
}

function countFeatures(text: string): Map<number, number> {
  const counts = new Map<number, number>()
  for (const word of wordsOf(text, WORDS_MAX)) {
    for (const hash of featuresOf(word)) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  }
  return counts
}
