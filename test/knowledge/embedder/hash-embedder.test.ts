// The embedder's space: frozen to the bit, unit vectors for any text, near for near spelling.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'brittle'
import { seededRandom } from '../../../src/base/random.ts'
import { featuresOf } from '../../../src/knowledge/embedder/features.ts'
import { hashEmbedder } from '../../../src/knowledge/embedder/hash-embedder.ts'
import { rarityOf, RARE_BITS } from '../../../src/knowledge/embedder/idf.ts'

/** Of all machines, for ever: what was learnt elsewhere was learnt with this. */
const SPACE = '085cb178d5580de2'
const TEXTS = [
  '',
  'git push',
  'fatal: The current branch has no upstream branch.',
  'Die Datei wurde nicht gefunden: /etc/fstab',
  '日本語のテキスト',
  'a'.repeat(5000),
  'one two three '.repeat(900)
]
const HASH_OF_VECTORS = 'a74834c5b51237a237abc49fcb1a6b7088726148527de9371540e4e99c6dfc71'

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, k) => sum + value * (b[k] as number), 0)
}

function similarity(a: string, b: string): number {
  return dot(hashEmbedder.embed(a), hashEmbedder.embed(b))
}

test('hash embedder - space and vectors are the ones that were frozen', (t) => {
  t.is(hashEmbedder.spaceId, SPACE)
  const hash = createHash('sha256')
  for (const text of TEXTS) hash.update(Buffer.from(hashEmbedder.embed(text).buffer))
  t.is(hash.digest('hex'), HASH_OF_VECTORS)
})

test('hash embedder - a vector is what its features add up to, in whole numbers', (t) => {
  const repeats = Array.from({ length: 16 }, (_, count) => Math.round(4 * Math.sqrt(count)))
  const words = ['no', 'upstream', 'branch', 'no', 'no']
  const counts = new Map<number, number>()
  for (const hash of words.flatMap(featuresOf)) counts.set(hash, (counts.get(hash) ?? 0) + 1)
  const sums = Array.from({ length: 256 }, () => 0n)
  for (const [hash, count] of counts) {
    const weight = BigInt(rarityOf(hash) * (repeats[Math.min(count, 15)] as number))
    sums[hash % 256] = (sums[hash % 256] as bigint) + (hash & 256 ? -weight : weight)
  }
  const length = Math.sqrt(Number(sums.reduce((sum, value) => sum + value * value, 0n)))
  const expected = Float32Array.from(sums, (sum) => Number(sum) / length)
  t.alike(hashEmbedder.embed(words.join(' ')), expected)
})

test('hash embedder - every text has a vector of length 1', (t) => {
  const random = seededRandom(2)
  const odd = ['', ' ', '\0', '\ud800', '-'.repeat(1e5), 'x'.repeat(1e6), ...TEXTS]
  for (let round = 0; round < 100; round++) {
    odd.push(String.fromCharCode(...Array.from({ length: 50 }, () => random.uint32() % 65_536)))
  }
  for (const text of odd) {
    const vector = hashEmbedder.embed(text)
    t.is(vector.length, 256)
    t.ok(Math.abs(dot(vector, vector) - 1) < 1e-6)
  }
})

test('hash embedder - the same words in another case or order are the same point', (t) => {
  t.ok(similarity('apt-get install', 'INSTALL apt get') > 0.999999)
})

test('hash embedder - slips and endings stay near, other subjects do not', (t) => {
  const question = 'git: cannot push, the branch has no upstream'
  t.ok(similarity(question, 'git: cannnot psuh, the brnach has no upstream') > 0.5)
  t.ok(similarity('installing packages', 'installed package') > 0.4)
  t.ok(similarity(question, 'the compiler ran out of memory') < 0.3)
  t.ok(similarity('permission denied', 'no space left on device') < 0.2)
})

test('hash embedder - rarity is the language of the pages it was counted on', (t) => {
  const bits = (word: string) => rarityOf(featuresOf(word)[0] as number)
  t.ok(bits('the') <= 1, `the: ${bits('the')}`)
  t.ok(bits('file') < bits('upstream'), `${bits('file')} ${bits('upstream')}`)
  t.is(bits('zyzzyva'), RARE_BITS)
})

test('hash embedder - no inexact function of JavaScript enters a result', (t) => {
  const folders = ['src/knowledge/embedder', 'src/knowledge/index']
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  files.push('src/compute/plain-vector-scan.ts')
  t.ok(files.length > 8)
  for (const file of files) {
    const used = readFileSync(file, 'utf8').match(/Math\.\w+(?=\()|toLowerCase|normalize\(/g) ?? []
    const exact = new Set(['Math.imul', 'Math.sqrt', 'Math.min', 'Math.max', 'Math.abs'])
    const inexact = used.filter((name) => !exact.has(name))
    t.alike(inexact, [], file)
  }
})
