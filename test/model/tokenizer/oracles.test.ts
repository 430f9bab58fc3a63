// Against the ids of three other implementations on real vocabularies: llama.cpp, Google's
// SentencePiece and Hugging Face's tokenizers.

import { readFileSync } from 'node:fs'
import { SwarmError } from '../../../src/base/errors.ts'
import { dataPath, dataTest } from '../../helpers/data.ts'
import { realTokenizer, tokenizerOfFile } from '../../helpers/vocabulary.ts'

const PLAIN = { special: false, bos: false }

function json<T>(...path: string[]): T {
  return JSON.parse(readFileSync(dataPath(...path), 'utf8')) as T
}

for (const name of ['llama-spm', 'phi-3', 'gpt-2', 'llama-bpe', 'qwen2', 'deepseek-llm']) {
  dataTest(`tokenizer - ${name} equals llama.cpp on every case`, {}, async (t) => {
    const tokenizer = await realTokenizer(name)
    const stem = dataPath('llama.cpp-vocab', `ggml-vocab-${name}.gguf`)
    const texts = readFileSync(`${stem}.inp`, 'utf8').split('\n__ggml_vocab_test__\n').slice(0, -1)
    const lines = readFileSync(`${stem}.out`, 'utf8').split('\n')
    t.is(texts.length, 46)
    for (const [index, text] of texts.entries()) {
      const line = (lines[index] as string).trim()
      const wanted = line === '' ? [] : line.split(/\s+/).map(Number)
      const ids = tokenizer.encode(text, PLAIN)
      t.alike([...ids], wanted, JSON.stringify(text))
      t.is(tokenizer.decode(ids), text)
    }
  })
}

dataTest('tokenizer - WordPiece is refused by name', {}, async (t) => {
  const error = await realTokenizer('bert-bge').catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'MODEL_UNSUPPORTED_TOKENIZER')
  t.ok(/'bert'/.test(String(error)))
})

dataTest('tokenizer - Llama 2 equals SentencePiece itself', {}, async (t) => {
  interface Entry {
    name: string
    cases: { text: string; ids: number[]; decoded: string }[]
  }
  const entries = Object.values(json<Record<string, Entry>>('spm-oracle', 'spm.json'))
  const entry = entries.find(({ name }) => name === 'Llama 2')
  const tokenizer = await realTokenizer('llama-spm')
  t.is(entry?.cases.length, 67)
  for (const { text, ids, decoded } of entry?.cases ?? []) {
    t.alike([...tokenizer.encode(text, PLAIN)], ids, JSON.stringify(text))
    t.is(tokenizer.decode(ids), decoded)
  }
})

dataTest('tokenizer - three models equal Hugging Face on a long text', {}, async (t) => {
  interface Encoded {
    text: string
    token_ids: number[]
    decoded_text: string
  }
  for (const [file, name, startsWithBos] of [
    ['llama_encoded.json', 'llama-spm', true],
    ['gpt2_encoded_tokens.json', 'gpt-2', false],
    ['llama_3.2_encoded.json', 'llama-bpe', true]
  ] as const) {
    const { text, token_ids: ids } = json<Encoded>('swift-transformers', file)
    const tokenizer = await realTokenizer(name)
    t.ok(ids.length > 150, name)
    const bos = startsWithBos && ids[0] === tokenizer.bosId
    t.alike([...tokenizer.encode(text, { special: false, bos })], ids, name)
    t.is(tokenizer.decode(ids), text, name)
  }
})

dataTest('tokenizer - the prompts of a real trained model equal its oracle', {}, async (t) => {
  interface Prompt {
    prompt: string
    prompt_ids: number[]
  }
  const { prompts } = json<{ prompts: Prompt[] }>('stories260K', 'oracle', 'greedy.json')
  const tokenizer = await tokenizerOfFile(dataPath('stories260K', 'stories260K-F32.gguf'))
  t.is(prompts.length, 7)
  for (const { prompt, prompt_ids: ids } of prompts) {
    t.alike([...tokenizer.encode(prompt, { special: true, bos: true })], ids, prompt)
    t.is(tokenizer.decode(ids), prompt)
  }
})

dataTest('tokenizer - Qwen3 differs from Qwen2 in its named specials only', {}, async (t) => {
  const tokenizer = await realTokenizer('qwen2')
  const lines = readFileSync(dataPath('qwen-bpe', 'vocab.txt'), 'utf8').split('\n')
  const different: number[] = []
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (tokenizer.textOf(id) !== lines[id]) different.push(id)
  }
  t.is(tokenizer.vocabSize, 151_936)
  t.alike(
    different,
    Array.from({ length: 23 }, (_, i) => 151_646 + i)
  )
})

dataTest('tokenizer - special tokens are found where they are wanted', {}, async (t) => {
  const llama3 = await realTokenizer('llama-bpe')
  const text = '<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>'
  const special = llama3.encode(text, { special: true, bos: true })
  t.alike([...special], [128_000, 128_006, 882, 128_007, 271, 13_347, 128_009])
  t.is(llama3.decode(special), 'user\n\nHi')
  const plain = llama3.encode(text, PLAIN)
  t.ok(plain.length > 15 && plain.every((id) => id < 128_000))
  t.is(llama3.decode(plain), text)
})

dataTest('tokenizer - ids that end an answer are those of llama.cpp', {}, async (t) => {
  const texts = async (name: string) => {
    const tokenizer = await realTokenizer(name)
    return tokenizer.stopIds.map((id) => tokenizer.textOf(id))
  }
  t.alike(await texts('llama-spm'), ['</s>'])
  t.alike(await texts('llama-bpe'), ['<|end_of_text|>', '<|eot_id|>'])
  t.alike(await texts('gpt-2'), ['<|endoftext|>'])
  t.alike(await texts('phi-3'), ['</s>', '<|endoftext|>', '<|end|>'])
  t.alike(await texts('qwen2'), ['</s>', '<|endoftext|>', '<|im_end|>'])
})

dataTest('tokenizer - a megabyte of one letter takes no quadratic time', {}, async (t) => {
  // A second here; quadratic would be an hour.
  t.timeout(60_000)
  for (const name of ['llama-spm', 'llama-bpe', 'qwen2', 'deepseek-llm']) {
    const tokenizer = await realTokenizer(name)
    const ids = tokenizer.encode('a'.repeat(2 ** 20), PLAIN)
    t.ok(ids.length < 2 ** 19, name)
    t.is(tokenizer.decode(ids).length, 2 ** 20)
  }
})
