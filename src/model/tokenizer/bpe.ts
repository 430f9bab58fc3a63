// Flow B, byte-level BPE (GPT-2, Llama 3, Qwen): a text is cut into words, the bytes of each word are
// merged by the vocabulary's list of merges. Owns the words and what becomes of pieces that are no
// tokens; the merging is symbol-merger.ts. Equal to llama.cpp's tokenizer, which the tests compare.

import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import type { Metadata } from '../metadata.ts'
import { BYTE_ALPHABET, bytesOfAlphabet } from './byte-alphabet.ts'
import { PairTable } from './pair-table.ts'
import { preTokenizer, splitWords, type PreTokenizer } from './pre-tokenizers.ts'
import { mergeSymbols } from './symbol-merger.ts'
import { TOKEN_NORMAL, type TokenTable } from './token-table.ts'

// Words whose ids are remembered. Natural text repeats itself, and the table stays small.
const WORDS_REMEMBERED_MAX = 16_384

export class BpeEncoder {
  readonly addsBos: boolean
  readonly #table: TokenTable
  readonly #pairs: PairTable
  readonly #rule: PreTokenizer
  /** Symbol of each byte. */
  readonly #byteSymbols: Int32Array
  readonly #remembered = new Map<string, Int32Array>()

  /** @throws MODEL_BAD_METADATA, MODEL_UNSUPPORTED_TOKENIZER */
  constructor(metadata: Metadata, table: TokenTable) {
    const name = metadata.text('tokenizer.ggml.pre') ?? 'default'
    const rule = preTokenizer(name)
    if (!rule) {
      throw new SwarmError(
        'MODEL_UNSUPPORTED_TOKENIZER',
        `the tokenizer cuts words by the rule '${clip(name)}' (tokenizer.ggml.pre), which this ` +
          `program does not know`
      )
    }
    const merges = metadata.texts('tokenizer.ggml.merges')
    if (!merges) {
      throw new SwarmError('MODEL_BAD_METADATA', `key 'tokenizer.ggml.merges' is missing`)
    }
    this.addsBos = rule.addsBos
    this.#rule = rule
    this.#table = table
    this.#pairs = new PairTable(table, merges)
    this.#byteSymbols = Int32Array.from(BYTE_ALPHABET, (letter) => this.#pairs.symbolFor(letter))
  }

  /** Appends the ids of a text without special tokens. */
  encode(text: string, ids: number[]): void {
    for (const word of splitWords(text, this.#rule.patterns)) {
      for (const id of this.#wordIds(word)) ids.push(id)
    }
  }

  #wordIds(word: string): Int32Array {
    const known = this.#remembered.get(word)
    if (known) return known
    const ids = this.#mergeWord(Buffer.from(word))
    if (word.length <= 32) {
      if (this.#remembered.size >= WORDS_REMEMBERED_MAX) this.#remembered.clear()
      this.#remembered.set(word, ids)
    }
    return ids
  }

  #mergeWord(bytes: Buffer): Int32Array {
    if (this.#rule.ignoresMerges) {
      const whole = this.#table.idOf(lettersOf(bytes))
      if (whole >= 0) return Int32Array.of(whole)
    }
    const symbols = Int32Array.from(bytes, (byte) => this.#byteSymbols[byte] as number)
    return this.#tokensOf(mergeSymbols(symbols, this.#pairs))
  }

  /** Pieces that are no tokens leave no trace, as in llama.cpp; every real vocabulary has all bytes. */
  #tokensOf(symbols: Int32Array): Int32Array {
    return symbols.every((symbol) => symbol < this.#table.size)
      ? symbols.slice()
      : symbols.filter((symbol) => symbol < this.#table.size)
  }
}

/** Bytes that a token stands for in an answer, special tokens apart. */
export function bpeBytes(table: TokenTable, id: number): Uint8Array {
  return table.typeOf(id) === TOKEN_NORMAL ? bytesOfAlphabet(table.textOf(id)) : table.bytesOf(id)
}

function lettersOf(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) text += BYTE_ALPHABET[byte] as string
  return text
}
