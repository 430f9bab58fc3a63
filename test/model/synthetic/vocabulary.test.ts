import test from 'brittle'
import type { GgufValue } from '../../../src/model/metadata.ts'
import { shape8b, smallLlama, smallQwen2 } from '../../../src/model/synthetic/spec.ts'
import { makeVocabulary, VOCAB_MIN } from '../../../src/model/synthetic/vocabulary.ts'

function read(vocabSize: number, tokenizer: 'spm' | 'bpe') {
  const made = makeVocabulary({ ...smallLlama, vocabSize, tokenizer })
  const keys = new Map<string, GgufValue>(made.metadata)
  const texts = (key: string): string[] => {
    const value = keys.get(key)
    if (value?.type !== 'array' || value.of !== 'string') return []
    return Array.from({ length: value.value.length }, (_, i) => value.value.at(i))
  }
  return { ...made, keys, texts, tokens: texts('tokenizer.ggml.tokens') }
}

test('vocabulary - has exactly the size asked for and no token twice', (t) => {
  for (const tokenizer of ['spm', 'bpe'] as const) {
    for (const vocabSize of [VOCAB_MIN, 513, 1000, 4096, 32_000, shape8b.vocabSize]) {
      const { tokens, firstWordId } = read(vocabSize, tokenizer)
      t.is(tokens.length, vocabSize)
      t.is(new Set(tokens).size, vocabSize, `${tokenizer} ${vocabSize}`)
      t.ok(firstWordId > 258 && firstWordId < vocabSize)
    }
  }
})

test('vocabulary - what may be drawn often are short words after a space', (t) => {
  for (const tokenizer of ['spm', 'bpe'] as const) {
    const { tokens, firstWordId } = read(32_000, tokenizer)
    const words = tokens.slice(firstWordId)
    t.ok(words.length > 20_000, `${words.length} words`)
    t.ok(words.every((word) => /^[\u2581\u0120][a-z]{1,8}$/.test(word)))
    t.ok(words.includes(tokenizer === 'spm' ? '\u2581river' : '\u0120river'))
  }
})

test('vocabulary - every array has one entry per token', (t) => {
  const { keys, tokens } = read(4096, 'spm')
  for (const key of ['tokenizer.ggml.scores', 'tokenizer.ggml.token_type']) {
    const value = keys.get(key)
    t.is(value?.type === 'array' ? value.value.length : 0, tokens.length, key)
  }
})

test('vocabulary - every merge joins two tokens into a third', (t) => {
  const { tokens, texts } = read(4096, 'bpe')
  const known = new Set(tokens)
  const merges = texts('tokenizer.ggml.merges')
  t.ok(merges.length > 3000)
  t.is(new Set(merges).size, merges.length)
  const broken = merges.filter((merge) => {
    const [left = '', right = '', ...rest] = merge.split(' ')
    return rest.length > 0 || !known.has(left) || !known.has(right) || !known.has(left + right)
  })
  t.alike(broken, [])
})

test('vocabulary - each architecture names the pre-tokenizer that llama.cpp knows', (t) => {
  const pre = (spec: typeof smallLlama) =>
    new Map(makeVocabulary(spec).metadata).get('tokenizer.ggml.pre')?.value
  t.is(pre(smallLlama), 'default')
  t.is(pre({ ...smallLlama, tokenizer: 'bpe' }), 'llama-bpe')
  t.is(pre(smallQwen2), 'qwen2')
})
