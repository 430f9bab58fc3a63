// Writes src/knowledge/embedder/idf-table.ts: how rare words and character grams are, in whole bits. It was
// run once; the table is frozen with the embedder's space and running this again on other pages would
// make another space. Only counts go in, no text.
//
// Source: the English manual pages (sections 1, 5, 7, 8) of a Debian 12 with development tools, without
// those of google-cloud-cli, which are 16,600 variations on few sentences. Each page gives at most 40
// passages, chosen by a fixed seed, so that the manuals of large programs do not outvote the rest.
//
//   npm run build && node scripts/idf-table.mjs [folder of manual pages]

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync, gunzipSync } from 'node:zlib'

const SECTIONS = ['man1', 'man5', 'man7', 'man8']
const PASSAGES_PER_PAGE = 40
const WORDS_MIN = 5
const WORDS_MAX = 400
const SEED = 1
const TABLE = 'src/knowledge/embedder/idf-table.ts'

/** Running text of a page in roff, cut where it begins a section or a paragraph. */
export function passagesOf(roff) {
  const passages = ['']
  for (const raw of roff.split('\n')) {
    if (/^['.]\s*\\"/.test(raw)) continue
    if (/^\.(SH|SS|PP|P|LP|TP|IP|HP|Sh|Ss|Pp|It|sp|RE)\b/.test(raw) || raw === '') passages.push('')
    const macro = /^[.']\s*([A-Za-z]{1,3})\b\s*(.*)$/.exec(raw)
    if (
      macro &&
      !/^(SH|SS|B|I|BR|BI|IR|IB|RB|RI|SM|SB|Sh|Ss|Nm|Nd|Ar|Fl|Op|Cm|It)$/.test(macro[1])
    ) {
      continue
    }
    const text = macro ? macro[2] : raw
    passages[passages.length - 1] += ` ${plain(text)}`
  }
  return passages.map((text) => text.trim())
}

function plain(text) {
  return text
    .replace(/\\f(\[[^\]]*\]|\(..|.)/g, '')
    .replace(/\\s[+-]?\d+/g, '')
    .replace(/\\\((aq|cq|oq)/g, "'")
    .replace(/\\\((..)/g, ' ')
    .replace(/\\\*(\[[^\]]*\]|\(..|.)/g, ' ')
    .replace(/\\[-]/g, '-')
    .replace(/\\[&:|^%/,]/g, '')
    .replace(/\\e/g, '\\')
    .replace(/\\./g, ' ')
    .replace(/"/g, ' ')
}

function pagesIn(folder) {
  return SECTIONS.flatMap((section) =>
    readdirSync(join(folder, section))
      .filter((name) => name.endsWith('.gz') && !name.startsWith('gcloud'))
      .toSorted()
      .map((name) => join(folder, section, name))
  )
}

/** A fixed order that has nothing to do with the text's place. */
function rankOf(text) {
  return createHash('sha256').update(`${SEED} ${text}`).digest('hex')
}

async function main(folder) {
  const dist = (file) => new URL(`../dist/src/knowledge/embedder/${file}.js`, import.meta.url).href
  const { wordsOf } = await import(dist('words'))
  const { featuresOf } = await import(dist('features'))
  const { BUCKETS, bucketOf, RARE_BITS } = await import(dist('idf'))
  const seen = new Set()
  const found = new Map()
  for (const path of pagesIn(folder)) {
    let page = ''
    try {
      page = gunzipSync(readFileSync(path)).toString('utf8')
    } catch {
      continue
    }
    const chosen = [...new Set(passagesOf(page))]
      .map((text) => wordsOf(text, WORDS_MAX))
      .filter((words) => words.length >= WORDS_MIN)
      .map((words) => ({ words, rank: rankOf(words.join(' ')) }))
      .filter(({ rank }) => !seen.has(rank))
      .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
      .slice(0, PASSAGES_PER_PAGE)
    for (const { words, rank } of chosen) {
      seen.add(rank)
      const hashes = new Set(words.flatMap(featuresOf))
      for (const hash of hashes) found.set(hash, (found.get(hash) ?? 0) + 1)
    }
  }
  const levels = new Uint8Array(BUCKETS).fill(RARE_BITS)
  for (const [hash, count] of found) {
    const bits = Math.max(0, Math.round(Math.log2(seen.size / count)))
    const bucket = bucketOf(hash)
    if (bits < levels[bucket]) levels[bucket] = bits
  }
  const packed = Buffer.alloc(BUCKETS / 2)
  for (let at = 0; at < BUCKETS; at++) packed[at >> 1] |= levels[at] << (4 * (at & 1))
  writeFileSync(TABLE, sourceOf(deflateRawSync(packed, { level: 9 }).toString('base64'), seen.size))
  const used = levels.filter((bits) => bits < RARE_BITS).length
  console.log(`${seen.size} passages, ${found.size} features, ${used} of ${BUCKETS} buckets used`)
}

function sourceOf(base64, passages) {
  const lines = base64.match(/.{1,100}/g).map((line) => `  '${line}'`)
  return `// How rare each bucket of features is, in whole bits: log2 of all passages over those
// that contain its commonest feature. Counted once by scripts/idf-table.mjs over ${passages} passages
// of manual pages of Debian 12, and frozen: a change makes another space. Nibbles, the even bucket
// low; deflated, in base64.

export const IDF_TABLE = [
${lines.join(',\n')}
].join('')
`
}

await main(process.argv[2] ?? '/usr/share/man')
