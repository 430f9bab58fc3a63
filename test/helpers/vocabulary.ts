// Tokenizers for tests: the real ones of the shared data, and small ones written by hand.

import { FileSource } from '../../src/model/byte-source.ts'
import { readGguf } from '../../src/model/gguf.ts'
import { Metadata, StringList, type GgufValue } from '../../src/model/metadata.ts'
import { readTokenizer, type Tokenizer } from '../../src/model/tokenizer/tokenizer.ts'
import { dataPath } from './data.ts'

/** @param name such as `llama-spm`. */
export async function realTokenizer(name: string): Promise<Tokenizer> {
  return tokenizerOfFile(dataPath('llama.cpp-vocab', `ggml-vocab-${name}.gguf`))
}

export async function tokenizerOfFile(path: string): Promise<Tokenizer> {
  const source = await FileSource.open(path)
  try {
    return readTokenizer((await readGguf(source)).metadata)
  } finally {
    await source.close()
  }
}

export interface SmallVocabulary {
  model: string
  pre?: string
  tokens: string[]
  types?: number[]
  scores?: number[]
  merges?: string[]
  /** More keys, without the prefix `tokenizer.ggml.`. */
  keys?: Record<string, GgufValue>
}

export function smallTokenizer(vocabulary: SmallVocabulary): Tokenizer {
  return readTokenizer(smallMetadata(vocabulary))
}

export function smallMetadata(vocabulary: SmallVocabulary): Metadata {
  const { model, pre, tokens, types, scores, merges, keys = {} } = vocabulary
  const values = new Map<string, GgufValue>()
  const set = (key: string, value: GgufValue) => values.set(`tokenizer.ggml.${key}`, value)
  const list = (texts: string[]): GgufValue => ({
    type: 'array',
    of: 'string',
    value: StringList.of(texts)
  })
  set('model', { type: 'string', value: model })
  set('tokens', list(tokens))
  if (pre !== undefined) set('pre', { type: 'string', value: pre })
  if (types) set('token_type', { type: 'array', of: 'i32', value: Int32Array.from(types) })
  if (scores) set('scores', { type: 'array', of: 'f32', value: Float32Array.from(scores) })
  if (merges) set('merges', list(merges))
  for (const [key, value] of Object.entries(keys)) set(key, value)
  return new Metadata(values)
}
