// Whether a word by itself looks like a key made by a machine: long, of the alphabet of base64 or
// hexadecimal, and without the pattern of words, paths, versions or ids. Owns what is let through on
// purpose: hashes of git, digests that say so, UUIDs. Pure.

/** Words that could be a key; bounded so that one word costs one look. */
export const WORD = /(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/=_-]{20,}(?![A-Za-z0-9+/=_-])/g

/** Shorter runs of letters and digits are names often enough that taking them out does harm. */
const KEY_CHARS_MIN = 20
/** Git's object names (SHA-1, SHA-256), MD5 sums and digests: what outputs and error texts are full of. */
const HASH_LENGTHS = new Set([32, 40, 56, 64, 96, 128])
/** Changes between lower case, upper case and digits per character: of random base64 about 0.6. */
const CHANGES_MIN = 0.3
/** Long words of all three kinds that change less are camelCase with a number. */
const LONG_CHARS = 30
const CHANGES_LONG_MIN = 0.18
/** Different characters of a key, at least: a bar of a progress line has two. */
const DISTINCT_MIN = 10
/** Of this many letters, words of a language have a vowel among every five; random ones often not. */
const CONSONANTS_MAX = 5

export function isRandomKey(word: string): boolean {
  const bare = word.replace(UUIDS, '').replace(/^[-/=_+]+|=+$/g, '')
  if (bare.length < KEY_CHARS_MIN) return false
  // A hexadecimal word of the length of a known hash is one: it names something, it opens nothing.
  if (/^[0-9a-f]+$/.test(bare) || /^[0-9A-F]+$/.test(bare)) {
    return !HASH_LENGTHS.has(bare.length) && /[0-9]/.test(bare) && /[a-f]/i.test(bare)
  }
  if (/^[0-9]+$/.test(bare)) return false
  return pieces(bare).some((piece) => looksRandom(piece))
}

/** RFC 9562: names things, opens none. */
const UUIDS = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi

/** Parts of a path or of a name with hyphens are looked at each by itself, if those are what it is. */
function pieces(word: string): string[] {
  const parts = word.split(/[/_+=-]/)
  // By characters: random base64 has separators too, and between them now and then what looks a name.
  const named = parts.filter(isName).join('').length
  const all = parts.join('')
  return named * 2 >= all.length ? parts : [all]
}

/** Lower case, camelCase or UPPER letters, a number or a version, or letters with a number: a name. */
const NAME =
  /^(?:[a-z]+|[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+|[vV]?\d{1,14}|[a-z]{1,12}\d{1,6}|\d{1,4}[a-z]{1,4})$/

/** Parts of hexadecimal names: abbreviated hashes, groups of a UUID, hashes of known length. */
function isName(part: string): boolean {
  if (/^[0-9a-f]+$/.test(part)) return part.length <= 12 || HASH_LENGTHS.has(part.length)
  return NAME.test(part)
}

function looksRandom(word: string): boolean {
  if (word.length < KEY_CHARS_MIN - 2) return false
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/].filter((kind) => kind.test(word)).length
  const consonants = longestConsonants(word)
  if (kinds === 1) return consonants > CONSONANTS_MAX
  // Abbreviations in capitals (HTTPS, XMLRPC) make longer runs than words do.
  if (consonants > CONSONANTS_MAX + 2) return true
  const changes = changesOf(word) / word.length
  if (kinds === 3 && word.length >= LONG_CHARS) return changes >= CHANGES_LONG_MIN
  return changes >= CHANGES_MIN && distinct(word) >= DISTINCT_MIN
}

function changesOf(word: string): number {
  let changes = 0
  let last = ''
  for (const character of word) {
    const kind = /[a-z]/.test(character) ? 'a' : /[A-Z]/.test(character) ? 'A' : '0'
    // A capital that begins a word of camelCase is no change back.
    if (last !== '' && kind !== last && !(last === 'A' && kind === 'a')) changes++
    last = kind
  }
  return changes
}

function longestConsonants(word: string): number {
  const runs = word.match(/[bcdfghjklmnpqrstvwxz]+/gi) ?? []
  return Math.max(0, ...runs.map((run) => run.length))
}

function distinct(word: string): number {
  return new Set(word).size
}
