// How byte-level BPE cuts a text into words before it merges inside each of them. Owns the rules by the
// names that model files use for them (tokenizer.ggml.pre). The patterns are those of the models' own
// tokenizers, as data; names and aliases are llama.cpp's (src/llama-vocab.cpp). Merges are bpe.ts.

export interface PreTokenizer {
  /** Applied one after another: each cuts the pieces that the previous one left. */
  patterns: readonly RegExp[]
  /** A word that is a token is taken whole, whatever the merges say. */
  ignoresMerges: boolean
  /** Whether a text starts with bos where the file does not say. */
  addsBos: boolean
}

// In the patterns \s means white space as Unicode has it, not as JavaScript does.
function pattern(source: string): RegExp {
  return new RegExp(
    source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'),
    'gu'
  )
}

const CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
const CONTRACTIONS_ANY_CASE = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
const SPACES = '\\s+(?!\\S)|\\s+'
const WORDS_GPT2 = `${CONTRACTIONS}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|${SPACES}`

/** @param digits how many digits stay together. */
function wordsLlama3(digits: string): string {
  return (
    `${CONTRACTIONS_ANY_CASE}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}${digits}|` +
    ` ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|${SPACES}`
  )
}

const UPPER = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}'
const LOWER = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}'
const WORDS_TEKKEN =
  `[^\\r\\n\\p{L}\\p{N}]?[${UPPER}]*[${LOWER}]+|[^\\r\\n\\p{L}\\p{N}]?[${UPPER}]+[${LOWER}]*|` +
  `\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|${SPACES}`

const WORDS_DEEPSEEK3 =
  `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|` +
  ` ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|${SPACES}`

// Letters with case, as the DeepSeek tokenizer lists them: code points, hexadecimal.
const CASED_LETTERS =
  '41-5a 61-7a b5 c0-d6 d8-f6 f8-1ba 1bc-1bf 1c4-293 295-2af 370-373 376 377 37b-37d 37f 386 ' +
  '388-38a 38c 38e-3a1 3a3-3f5 3f7-481 48a-52f 531-556 10a0-10c5 13a0-13f5 13f8-13fd 1c90-1cba ' +
  '1cbd-1cbf 1d00-1d2b 1d6b-1d77 1d79-1d9a 1e00-1f15 1f18-1f1d 1f20-1f45 1f48-1f4d 1f50-1f57 ' +
  '1f59 1f5b 1f5d 1f5f-1f7d 1f80-1fb4 1fb6-1fbc 1fbe 1fc2-1fc4 1fc6-1fcc 1fd0-1fd3 1fd6-1fdb ' +
  '1fe0-1fec 1ff2-1ff4 1ff6-1ffc 2102 2107 210a-2113 2115 2119-211d 2124 2126 2128 212a-212d ' +
  '212f-2134 2139 213c-213f 2145-2149 214e 2183 2184 2c00-2c7b 2c7e-2ce4 2ceb-2cee 2cf2 2cf3 ' +
  'a640-a66d a680-a69b a722-a76f a771-a787 a78b-a78e ab70-abbf fb00-fb06 fb13-fb17 ff21-ff3a ' +
  'ff41-ff5a 10400-1044f 104b0-104d3 104d8-104fb 10c80-10cb2 10cc0-10cf2 118a0-118df 1e900-1e943'
const CASED = CASED_LETTERS.replace(/[0-9a-f]+/g, '\\u{$&}').replaceAll(' ', '')

const IDEOGRAPHS = '[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+'
// The look-behind says where such a run must start anyway; without it a long run of spaces inside a
// text would be tried from each of its spaces.
const TRAILING_SPACES = '(?<!\\s)\\s+$'

const RULES: [names: string, patterns: string[], flags?: Partial<PreTokenizer>][] = [
  [
    'default',
    [
      '[\\p{P}$+<=>\\^~|]+',
      `${CONTRACTIONS}| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)`,
      '\\p{N}+',
      '[0-9][0-9][0-9]'
    ]
  ],
  ['gpt-2 phi-2 exaone4 gigachat mellum a.x-4.0 trillion mpt olmo', [WORDS_GPT2]],
  [
    'llama-bpe llama3 llama-v3 falcon3 pixtral midm-2.0 lfm2',
    [wordsLlama3('{1,3}')],
    { ignoresMerges: true, addsBos: true }
  ],
  ['dbrx smaug-bpe', [wordsLlama3('{1,3}')]],
  ['qwen2 deepseek-r1-qwen megrez kormo stablelm2 hunyuan', [wordsLlama3('')]],
  ['starcoder refact command-r smollm codeshell exaone minerva-7b', ['\\p{N}', WORDS_GPT2]],
  ['tekken', [WORDS_TEKKEN], { ignoresMerges: true, addsBos: true }],
  [
    'deepseek-llm',
    [
      '[\\r\\n]',
      `\\s?[${CASED}]+`,
      '\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+',
      TRAILING_SPACES,
      IDEOGRAPHS,
      '\\p{N}+'
    ]
  ],
  ['deepseek-coder', ['[\\r\\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', IDEOGRAPHS, '\\p{N}']],
  [
    'deepseek-v3 hunyuan-dense joyai-llm',
    ['\\p{N}{1,3}', '[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+', WORDS_DEEPSEEK3]
  ]
]

const byName = new Map(
  RULES.flatMap(([names, sources, flags]) => {
    const patterns = sources.map(pattern)
    const rule: PreTokenizer = { patterns, ignoresMerges: false, addsBos: false, ...flags }
    return names.split(' ').map((name) => [name, rule] as const)
  })
)

/** @returns null for a name that this program does not know. */
export function preTokenizer(name: string): PreTokenizer | null {
  return byName.get(name) ?? null
}

/** Every piece in order; together they are the text. */
export function splitWords(text: string, patterns: readonly RegExp[]): string[] {
  let pieces = [text]
  for (const cutter of patterns) pieces = pieces.flatMap((piece) => cutPiece(piece, cutter))
  return pieces
}

/** Matches and what lies between them. */
function cutPiece(piece: string, cutter: RegExp): string[] {
  const parts: string[] = []
  let end = 0
  for (const match of piece.matchAll(cutter)) {
    if (match.index > end) parts.push(piece.slice(end, match.index))
    parts.push(match[0])
    end = match.index + match[0].length
  }
  if (end < piece.length) parts.push(piece.slice(end))
  return parts
}
