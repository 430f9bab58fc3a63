// The tokenizer inside a generated model: short pronounceable pieces, so that random logits read as
// word salad. Owns the list of pieces and its two forms, SPM (scores) and byte-level BPE (merges);
// both hold the same words and every text can be encoded in either. Needs no file and no other model.

import { SwarmError } from '../../base/errors.ts'
import { VOCAB_MAX } from '../../base/limits.ts'
import { StringList, type GgufValue } from '../metadata.ts'
import { BYTE_ALPHABET } from '../tokenizer/byte-alphabet.ts'
import { TOKEN_BYTE, TOKEN_CONTROL, TOKEN_NORMAL, TOKEN_UNKNOWN } from '../tokenizer/token-table.ts'
import type { SyntheticSpec } from './spec.ts'

/** Bytes, characters and special tokens come first; fewer than this leave too few words to read. */
export const VOCAB_MIN = 512

const WORDS =
  'a all and animal as at away back be bear bell bird blue boat book both bread bridge bright by ' +
  'came can cat city cloud cold come could dark day deep dog door down dream each earth evening ' +
  'every eye fall far farm field find fire fish five flower fly for forest found friend from game ' +
  'garden gave give glass go gold good grass great green hand hard has have he hear heart high ' +
  'hill his home hope horse house how ice if in into iron is island it its just keep kind king ' +
  'lake lamp land last leaf left letter light like line little long look lost love made make many ' +
  'me moon more morning mountain mouse much music my name near never new night no north not now ' +
  'ocean of old on one only open or other our out over owl paper path people place plant play ' +
  'quiet rain read red rest ride river road rock room root round run said same sand saw sea seed ' +
  'shall she ship shore short silver sing sky sleep slow small snow so some song south spring star ' +
  'still stone story street strong summer sun sweet take tale talk tall tell ten than that the ' +
  'their them then there they thing this three time to town tree true two under up very voice ' +
  'walk wall warm was water wave way we well west what when where white who will wind window ' +
  'winter with wood word work world year yes you young'
const CONSONANTS = 'bdfgklmnprstvz'
const VOWELS = 'aeiou'

export interface Vocabulary {
  /** Keys `tokenizer.*` of the file. */
  metadata: [key: string, value: GgufValue][]
  /** Ids from here on are whole words; those before are drawn rarely (write-model.ts sees to it). */
  firstWordId: number
}

/** @throws USAGE_BAD_VALUE */
export function makeVocabulary(spec: SyntheticSpec): Vocabulary {
  const { vocabSize } = spec
  if (!Number.isInteger(vocabSize) || vocabSize < VOCAB_MIN || vocabSize > VOCAB_MAX) {
    throw new SwarmError(
      'USAGE_BAD_VALUE',
      `a generated model has ${VOCAB_MIN} to ${VOCAB_MAX} tokens, not ${vocabSize}`
    )
  }
  return spec.tokenizer === 'spm' ? spmVocabulary(vocabSize) : bpeVocabulary(spec)
}

/** A piece grows by one character on its right: `left` and the last character merge into it. */
interface Piece {
  /** With a leading space. */
  text: string
  isWord: boolean
}

function spmVocabulary(vocabSize: number): Vocabulary {
  const texts = ['<unk>', '<s>', '</s>']
  const types = [TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_CONTROL]
  for (let byte = 0; byte < 256; byte++) {
    texts.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
    types.push(TOKEN_BYTE)
  }
  texts.push('\u2581')
  for (let code = 33; code < 127; code++) texts.push(String.fromCharCode(code))
  const scores = Array.from(texts, () => 0)
  const { pieces, firstWord, rank } = choosePieces(vocabSize - texts.length)
  const firstWordId = texts.length + firstWord
  for (const { text } of pieces) {
    texts.push(text.replace(' ', '\u2581'))
    // The earlier a piece was formed, the earlier it merges.
    scores.push(-1 - (rank.get(text) as number))
  }
  while (types.length < texts.length) types.push(TOKEN_NORMAL)
  return {
    firstWordId,
    metadata: [
      ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
      ['tokenizer.ggml.pre', { type: 'string', value: 'default' }],
      ...common(texts, types, 1, 2),
      ['tokenizer.ggml.scores', { type: 'array', of: 'f32', value: Float32Array.from(scores) }],
      ['tokenizer.ggml.unknown_token_id', { type: 'u32', value: 0 }],
      ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
      ['tokenizer.ggml.add_space_prefix', { type: 'bool', value: true }],
      ['tokenizer.chat_template', { type: 'string', value: SPM_TEMPLATE }]
    ]
  }
}

function bpeVocabulary(spec: SyntheticSpec): Vocabulary {
  const texts = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', ...BYTE_ALPHABET]
  const types = texts.map((_, id) => (id < 3 ? TOKEN_CONTROL : TOKEN_NORMAL))
  const { pieces, firstWord, rank } = choosePieces(spec.vocabSize - texts.length)
  const firstWordId = texts.length + firstWord
  for (const { text } of pieces) texts.push(text.replace(' ', '\u0120'))
  while (types.length < texts.length) types.push(TOKEN_NORMAL)
  const merges = [...rank.keys()].map((text) => {
    const shown = text.replace(' ', '\u0120')
    return `${shown.slice(0, -1)} ${shown.slice(-1)}`
  })
  const pre = spec.architecture === 'llama' ? 'llama-bpe' : 'qwen2'
  return {
    firstWordId,
    metadata: [
      ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
      ['tokenizer.ggml.pre', { type: 'string', value: pre }],
      ...common(texts, types, 0, 2),
      ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: StringList.of(merges) }],
      ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
      ['tokenizer.chat_template', { type: 'string', value: BPE_TEMPLATE }]
    ]
  }
}

const SPM_TEMPLATE =
  '{{ bos_token }}{% for message in messages %}[{{ message.role }}] {{ message.content }}\n' +
  '{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}'

const BPE_TEMPLATE =
  '{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n' +
  '{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

function common(
  texts: string[],
  types: number[],
  bosId: number,
  eosId: number
): [string, GgufValue][] {
  return [
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: StringList.of(texts) }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: Int32Array.from(types) }],
    ['tokenizer.ggml.bos_token_id', { type: 'u32', value: bosId }],
    ['tokenizer.ggml.eos_token_id', { type: 'u32', value: eosId }]
  ]
}

/** Fragments first, then words; `rank` is the order in which pieces were formed. */
function choosePieces(count: number): {
  pieces: Piece[]
  firstWord: number
  rank: Map<string, number>
} {
  const formed = new Map<string, Piece>()
  for (const word of wordStream()) {
    const missing: Piece[] = []
    for (let length = 2; length <= word.length; length++) {
      const text = word.slice(0, length)
      if (!formed.has(text)) missing.push({ text, isWord: false })
    }
    if (formed.size + missing.length > count) break
    for (const piece of missing) formed.set(piece.text, piece)
    const whole = formed.get(word) as Piece
    whole.isWord = true
  }
  pad(formed, count)
  const rank = new Map([...formed.keys()].map((text, index) => [text, index]))
  const all = [...formed.values()]
  const fragments = all.filter(({ isWord }) => !isWord)
  return {
    pieces: [...fragments, ...all.filter(({ isWord }) => isWord)],
    firstWord: fragments.length,
    rank
  }
}

/** A word may need more places than are left; single letters after a space fill them. */
function pad(formed: Map<string, Piece>, count: number): void {
  for (let code = 33; formed.size < count && code < 127; code++) {
    const text = ` ${String.fromCharCode(code)}`
    if (!formed.has(text)) formed.set(text, { text, isWord: false })
  }
}

/** English words, then made-up ones of two and more syllables, their beginnings well mixed. */
function* wordStream(): Generator<string> {
  for (const word of WORDS.split(' ')) yield ` ${word}`
  for (let syllables = 2; ; syllables++) {
    const stems = (CONSONANTS.length * VOWELS.length) ** (syllables - 1) * CONSONANTS.length
    for (let i = 0; i < stems; i++) {
      const stem = stemOf((i * STEM_STRIDE) % stems, syllables)
      for (const vowel of VOWELS) yield ` ${stem}${vowel}`
    }
  }
}

// Coprime to 2, 5 and 7, the primes of every count of stems, so that the stride meets each stem once.
const STEM_STRIDE = 7919

/** Consonant, vowel, ..., consonant: everything but the last vowel. */
function stemOf(index: number, syllables: number): string {
  let text = CONSONANTS.charAt(index % CONSONANTS.length)
  let rest = Math.floor(index / CONSONANTS.length)
  for (let i = 1; i < syllables; i++) {
    text += VOWELS.charAt(rest % VOWELS.length)
    rest = Math.floor(rest / VOWELS.length)
    text += CONSONANTS.charAt(rest % CONSONANTS.length)
    rest = Math.floor(rest / CONSONANTS.length)
  }
  return text
}
