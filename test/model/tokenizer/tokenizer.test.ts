import test, { type Test } from 'brittle'
import { SwarmError, type ErrorCode } from '../../../src/base/errors.ts'
import { PROMPT_CHARS_MAX, TOKEN_BYTES_MAX } from '../../../src/base/limits.ts'
import { below, seededRandom } from '../../../src/base/random.ts'
import { Metadata } from '../../../src/model/metadata.ts'
import { smallLlama, smallQwen2 } from '../../../src/model/synthetic/spec.ts'
import { makeVocabulary } from '../../../src/model/synthetic/vocabulary.ts'
import { readTokenizer, type Tokenizer } from '../../../src/model/tokenizer/tokenizer.ts'
import { smallMetadata, smallTokenizer, type SmallVocabulary } from '../../helpers/vocabulary.ts'

const PLAIN = { special: false, bos: false }

// Without byte tokens: text outside the vocabulary cannot be written.
const NO_BYTES: SmallVocabulary = {
  model: 'llama',
  tokens: ['<unk>', '<s>', '</s>', '\u2581', 'a', 'b', 'ab', '\u2581ab', 'c'],
  types: [2, 3, 3, 1, 1, 1, 1, 1, 1],
  scores: [0, 0, 0, -5, -6, -7, -1, -2, -8]
}

const BPE: SmallVocabulary = {
  model: 'gpt2',
  pre: 'gpt-2',
  tokens: ['a', 'b', 'c', 'ab', 'abc', '\u0120', '<|im_end|>', '<tool>', '\u0120a'],
  types: [1, 1, 1, 1, 1, 1, 3, 4, 1],
  merges: ['a b', 'ab c', '\u0120 a']
}

function generated(tokenizer: 'spm' | 'bpe'): Tokenizer {
  const spec = { ...(tokenizer === 'spm' ? smallLlama : smallQwen2), tokenizer, vocabSize: 4096 }
  return readTokenizer(new Metadata(new Map(makeVocabulary(spec).metadata)))
}

function refuses(
  t: Test,
  vocabulary: SmallVocabulary | Metadata,
  code: ErrorCode,
  message: RegExp
): void {
  const metadata = vocabulary instanceof Metadata ? vocabulary : smallMetadata(vocabulary)
  try {
    readTokenizer(metadata)
    t.fail('not refused')
  } catch (error) {
    t.is(error instanceof SwarmError ? error.code : String(error), code)
    t.ok(message.test(String(error)), String(error))
  }
}

test('spm - the pair of the highest score merges first, then the leftmost', (t) => {
  const tokenizer = smallTokenizer(NO_BYTES)
  const texts = (text: string) =>
    [...tokenizer.encode(text, PLAIN)].map((id) => tokenizer.textOf(id))
  t.alike(texts('ab'), ['\u2581ab'])
  t.alike(texts('abab'), ['\u2581ab', 'ab'])
  t.alike(texts('aab'), ['\u2581', 'a', 'ab'])
  t.alike(texts('ab ab'), ['\u2581ab', '\u2581ab'])
})

test('spm - without byte tokens a run of unknown characters is one unknown token', (t) => {
  const tokenizer = smallTokenizer(NO_BYTES)
  t.alike([...tokenizer.encode('axyzb', PLAIN)], [3, 4, 0, 5])
  t.alike([...tokenizer.encode('\u{1F436}', PLAIN)], [3, 0])
  t.is(tokenizer.decode(tokenizer.encode('axb', PLAIN)), 'ab')
})

test('spm - the prefix follows special tokens, and can be switched off', (t) => {
  const tokenizer = smallTokenizer(NO_BYTES)
  t.alike([...tokenizer.encode('ab</s>ab', { special: true, bos: true })], [1, 7, 2, 7])
  const off = { add_space_prefix: { type: 'bool', value: false } } as const
  const without = smallTokenizer({ ...NO_BYTES, keys: off })
  t.alike([...without.encode('ab</s>ab', { special: true, bos: true })], [1, 6, 2, 6])
  t.is(without.decode([7]), ' ab')
})

test('spm - equal scores merge from the left', (t) => {
  const tokenizer = smallTokenizer({
    model: 'llama',
    tokens: ['<unk>', '<s>', '</s>', 'a', 'aa'],
    types: [2, 3, 3, 1, 1],
    keys: { add_space_prefix: { type: 'bool', value: false } }
  })
  t.alike([...tokenizer.encode('aaaaa', PLAIN)], [4, 4, 3])
})

test('bpe - merges follow their list', (t) => {
  const tokenizer = smallTokenizer(BPE)
  t.alike([...tokenizer.encode('abc', PLAIN)], [4])
  t.alike([...tokenizer.encode('bc', PLAIN)], [1, 2])
  t.alike([...tokenizer.encode('ab abc a', PLAIN)], [3, 5, 4, 8])
})

test('bpe - a rule that ignores merges takes whole words', (t) => {
  const whole = { ...BPE, merges: ['b c'], pre: 'llama-bpe', tokens: [...BPE.tokens, 'bc'] }
  const types = [...(BPE.types ?? []), 1]
  const keys = { add_bos_token: { type: 'bool', value: false } } as const
  t.alike([...smallTokenizer({ ...whole, types, keys }).encode('abc', PLAIN)], [4])
  t.alike([...smallTokenizer({ ...whole, types, pre: 'gpt-2' }).encode('abc', PLAIN)], [0, 9])
})

test('bpe - merges may pass through pieces that are no tokens', (t) => {
  const tokenizer = smallTokenizer({
    model: 'gpt2',
    pre: 'gpt-2',
    tokens: ['a', 'b', 'c', 'abc'],
    merges: ['a b', 'ab c', 'x y']
  })
  t.alike([...tokenizer.encode('abc', PLAIN)], [3])
  t.alike([...tokenizer.encode('xyc', PLAIN)], [2])
})

test('special tokens - control ones only where asked, user-defined ones always', (t) => {
  const tokenizer = smallTokenizer(BPE)
  t.alike([...tokenizer.encode('a<tool>b', PLAIN)], [0, 7, 1])
  t.alike([...tokenizer.encode('a<|im_end|>b', { special: true, bos: false })], [0, 6, 1])
  t.absent([...tokenizer.encode('a<|im_end|>b', PLAIN)].includes(6))
  t.ok(tokenizer.isSpecial(6))
  t.absent(tokenizer.isSpecial(7))
  t.is(tokenizer.decode([0, 6, 7, 1]), 'a<tool>b')
  t.is(tokenizer.textOf(6), '<|im_end|>')
})

test('special tokens - the longer one wins wherever it stands', (t) => {
  const tokenizer = smallTokenizer({
    model: 'gpt2',
    pre: 'gpt-2',
    tokens: ['<a>', '<a><b>', '<b><a>', 'x'],
    types: [3, 3, 3, 1],
    merges: []
  })
  const ids = (text: string) => [...tokenizer.encode(text, { special: true, bos: false })]
  t.alike(ids('<a><b><a>x<a>'), [1, 0, 3, 0])
})

test('special tokens - an end of turn marked as plain text is one all the same', (t) => {
  const tokenizer = smallTokenizer({ ...BPE, types: BPE.tokens.map(() => 1) })
  t.alike([...tokenizer.stopIds], [6])
  t.alike([...tokenizer.encode('<|im_end|>', { special: true, bos: false })], [6])
  t.is(tokenizer.decode([6]), '')
})

test('stop ids - eos, eot and eom of the file are among them', (t) => {
  const u32 = (value: number) => ({ type: 'u32', value }) as const
  const keys = { eos_token_id: u32(0), eot_token_id: u32(1), eom_token_id: u32(2) }
  t.alike([...smallTokenizer({ ...BPE, keys }).stopIds], [0, 1, 2, 6])
})

test('bos - comes first only if the model expects it', (t) => {
  const bos = { special: false, bos: true }
  t.alike([...smallTokenizer(NO_BYTES).encode('', bos)], [1])
  t.alike([...smallTokenizer(NO_BYTES).encode('', PLAIN)], [])
  t.alike([...smallTokenizer(BPE).encode('a', bos)], [0])
  const off = { add_bos_token: { type: 'bool', value: false } } as const
  t.alike([...smallTokenizer({ ...NO_BYTES, keys: off }).encode('ab', bos)], [7])
})

test('decoder - never gives a part of a character', (t) => {
  for (const kind of ['spm', 'bpe'] as const) {
    const tokenizer = generated(kind)
    const text = 'Zoë \u{1F436}\u4E2D\u6587 the river'
    const decoder = tokenizer.decoder()
    const parts = [...tokenizer.encode(text, PLAIN)].map((id) => decoder.push(id))
    t.is((parts.join('') + decoder.end()).trimStart(), text)
    t.ok(parts.includes(''), 'some tokens end inside a character')
    t.ok(parts.every((part) => !part.includes('\uFFFD')))
  }
})

test('decoder - an unfinished character comes out as U+FFFD at the end', (t) => {
  const tokenizer = generated('bpe')
  const [first = 0] = tokenizer.encode('\u{1F436}', PLAIN)
  const decoder = tokenizer.decoder()
  t.is(decoder.push(first), '')
  t.is(decoder.end(), '\uFFFD')
})

test('tokenizer - ids outside the vocabulary leave no text', (t) => {
  const tokenizer = generated('spm')
  t.is(tokenizer.decode([-1, 4096, 2 ** 31 - 1]), '')
  t.is(tokenizer.textOf(-1), '')
  t.absent(tokenizer.isSpecial(5000))
})

test('tokenizer - what is encoded decodes to itself', (t) => {
  const random = seededRandom(11)
  const parts = ['the', ' river', '  ', '\n', '\r\n', '\t', 'Zoë', '\u{1F436}', '\u4E2D', '\u2581']
  for (const kind of ['spm', 'bpe'] as const) {
    const tokenizer = generated(kind)
    const wrong: string[] = []
    for (let round = 0; round < 2000; round++) {
      let text = ''
      for (let i = below(random, 12); i >= 0; i--) {
        const pick = below(random, parts.length + 2)
        text += parts[pick] ?? String.fromCodePoint(below(random, 0xd800))
      }
      const back = tokenizer.decode(tokenizer.encode(text, PLAIN))
      // SentencePiece writes a space as U+2581, so the two cannot be told apart afterwards.
      const wanted = kind === 'spm' ? text.replaceAll('\u2581', ' ') : text
      if (back !== wanted) wrong.push(JSON.stringify([text, back]))
    }
    t.alike(wrong, [], kind)
  }
})

test('tokenizer - half a surrogate pair is U+FFFD', (t) => {
  for (const kind of ['spm', 'bpe'] as const) {
    const tokenizer = generated(kind)
    t.is(tokenizer.decode(tokenizer.encode('a\uD83D b', PLAIN)), 'a\uFFFD b')
  }
})

test('tokenizer - a text longer than any context is refused', (t) => {
  const tokenizer = smallTokenizer(BPE)
  try {
    tokenizer.encode(' '.repeat(PROMPT_CHARS_MAX + 1), PLAIN)
    t.fail('not refused')
  } catch (error) {
    t.is(error instanceof SwarmError ? error.code : '', 'USAGE_PROMPT_TOO_LONG')
  }
})

test('tokenizer - unknown kinds are refused by name', (t) => {
  const code = 'MODEL_UNSUPPORTED_TOKENIZER'
  refuses(t, { ...BPE, model: 't5' }, code, /'t5'/)
  refuses(t, { ...BPE, pre: 'kimi-k2' }, code, /'kimi-k2'/)
  refuses(t, new Metadata(new Map()), code, /tokenizer\.ggml\.model/)
})

test('tokenizer - arrays that do not fit together are refused', (t) => {
  const code = 'MODEL_BAD_METADATA'
  refuses(t, { ...NO_BYTES, tokens: [] }, code, /tokens.*empty/)
  refuses(t, { ...NO_BYTES, types: [1] }, code, /token_type.*1 entries for 9/)
  refuses(t, { ...NO_BYTES, scores: [1, 2] }, code, /scores.*2 entries for 9/)
  refuses(t, { ...NO_BYTES, scores: Array.from({ length: 9 }, () => NaN) }, code, /scores/)
  refuses(
    t,
    { ...BPE, tokens: [...BPE.tokens.slice(1), 'ab'] },
    code,
    /tokens 2 and 8 are both 'ab'/
  )
  const { merges: _merges, ...noMerges } = BPE
  refuses(t, noMerges, code, /merges' is missing/)
  for (const merge of ['ab', '', ' ', 'a ']) {
    refuses(t, { ...BPE, merges: ['a b', merge] }, code, /merge 1 /)
  }
  const long = 'x'.repeat(TOKEN_BYTES_MAX + 1)
  refuses(t, { ...BPE, tokens: [...BPE.tokens.slice(1), long] }, 'MODEL_TOO_LARGE', /token 8/)
})

test('tokenizer - special ids outside the vocabulary are refused', (t) => {
  for (const name of ['bos', 'eos', 'unknown', 'eot', 'eom']) {
    const keys = { [`${name}_token_id`]: { type: 'u32', value: 9 } as const }
    refuses(t, { ...NO_BYTES, keys }, 'MODEL_BAD_METADATA', new RegExp(`${name}_token_id.* 9`))
  }
  const addsBos = { add_bos_token: { type: 'bool', value: true } as const }
  refuses(t, { ...BPE, keys: addsBos }, 'MODEL_BAD_METADATA', /bos_token_id/)
})

test('tokenizer - empty places in a vocabulary are tolerated', (t) => {
  const tokenizer = smallTokenizer({ ...BPE, tokens: ['', '', ...BPE.tokens.slice(2)] })
  t.is(tokenizer.decode([0, 1, 2]), 'c')
})
