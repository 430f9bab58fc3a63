// Flow B, first and last step: text to token ids and back. Owns what is common to all tokenizers:
// special tokens, the beginning of a text, whole characters in a stream. The two families that the
// supported models use are spm.ts and bpe.ts; a file with another one is refused by name.

import { SwarmError } from '../../base/errors.ts'
import { PROMPT_CHARS_MAX } from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import type { Metadata } from '../metadata.ts'
import { BpeEncoder, bpeBytes } from './bpe.ts'
import { findStopIds, SpecialSplitter } from './special-tokens.ts'
import { SpmEncoder, spmBytes } from './spm.ts'
import {
  readTokenId,
  TokenTable,
  TOKEN_CONTROL,
  TOKEN_UNKNOWN,
  TOKEN_UNUSED
} from './token-table.ts'

export interface EncodeOptions {
  /** Whether the text of a control token, such as `<|im_start|>`, becomes that token. */
  special: boolean
  /**
   * Start with the bos token if the model expects one. Not for a rendered chat template: it writes its
   * own.
   */
  bos: boolean
}

/** Text of a growing answer. */
export interface TokenDecoder {
  /** @returns the characters completed by this token; never a part of one. */
  push(id: number): string
  /** @returns what is left, an incomplete character as U+FFFD. */
  end(): string
}

export interface Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | null
  readonly eosId: number | null
  readonly unkId: number | null
  /** Whether the model expects bos at the beginning of a text. */
  readonly addsBos: boolean
  /** Ids that end an answer, ascending: eos, end of turn, and what llama.cpp treats as such. */
  readonly stopIds: readonly number[]
  /** @throws USAGE_PROMPT_TOO_LONG above PROMPT_CHARS_MAX */
  encode(text: string, options: EncodeOptions): Int32Array
  /** Control tokens leave no text; a space that encode put in front is taken off again. */
  decode(ids: ArrayLike<number>): string
  /** @param atStart the ids begin a text: the space that encode puts in front is taken off again. */
  decoder(atStart?: boolean): TokenDecoder
  /** Control and unknown tokens, which stand for no text. */
  isSpecial(id: number): boolean
  /** The token as the vocabulary spells it: for people and for chat templates. */
  textOf(id: number): string
}

/** @throws MODEL_BAD_METADATA, MODEL_TOO_LARGE, MODEL_UNSUPPORTED_TOKENIZER */
export function readTokenizer(metadata: Metadata): Tokenizer {
  const model = metadata.text('tokenizer.ggml.model')
  if (model !== 'llama' && model !== 'gpt2') {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_TOKENIZER',
      model === null
        ? `key 'tokenizer.ggml.model' is missing, so there is no tokenizer`
        : `the tokenizer is '${clip(model)}' (tokenizer.ggml.model); supported are llama ` +
            `(SentencePiece) and gpt2 (byte-level BPE)`
    )
  }
  return new ModelTokenizer(metadata, model)
}

class ModelTokenizer implements Tokenizer {
  readonly bosId: number | null
  readonly eosId: number | null
  readonly unkId: number | null
  readonly addsBos: boolean
  readonly stopIds: readonly number[]
  readonly #table: TokenTable
  readonly #splitter: SpecialSplitter
  readonly #encoder: BpeEncoder | SpmEncoder

  constructor(metadata: Metadata, model: 'llama' | 'gpt2') {
    const isSpm = model === 'llama'
    this.#table = new TokenTable(metadata)
    const { size } = this.#table
    this.bosId = readTokenId(metadata, 'bos', size, isSpm ? 1 : -1)
    this.eosId = readTokenId(metadata, 'eos', size, isSpm ? 2 : -1)
    this.unkId = readTokenId(metadata, 'unknown', size, isSpm ? 0 : -1)
    this.stopIds = findStopIds(metadata, this.#table, this.eosId)
    this.#splitter = new SpecialSplitter(this.#table)
    this.#encoder = isSpm
      ? new SpmEncoder(metadata, this.#table, this.unkId)
      : new BpeEncoder(metadata, this.#table)
    const byDefault = this.#encoder instanceof BpeEncoder ? this.#encoder.addsBos : true
    this.addsBos = metadata.flag('tokenizer.ggml.add_bos_token') ?? byDefault
    if (this.addsBos && this.bosId === null) {
      throw new SwarmError(
        'MODEL_BAD_METADATA',
        `a text starts with bos, but key 'tokenizer.ggml.bos_token_id' is missing`
      )
    }
  }

  get vocabSize(): number {
    return this.#table.size
  }

  encode(text: string, { special, bos }: EncodeOptions): Int32Array {
    if (text.length > PROMPT_CHARS_MAX) {
      throw new SwarmError(
        'USAGE_PROMPT_TOO_LONG',
        `the text has ${text.length} characters, more than any context holds; ` +
          `shorten it below ${PROMPT_CHARS_MAX}`
      )
    }
    const ids: number[] = []
    if (bos && this.addsBos && this.bosId !== null) ids.push(this.bosId)
    let afterSpecial = true
    for (const fragment of this.#splitter.split(wellFormed(text), special)) {
      if (typeof fragment === 'number') ids.push(fragment)
      else if (this.#encoder instanceof BpeEncoder) this.#encoder.encode(fragment, ids)
      else this.#encoder.encode(fragment, afterSpecial, ids)
      afterSpecial = typeof fragment === 'number'
    }
    return Int32Array.from(ids)
  }

  decode(ids: ArrayLike<number>): string {
    const decoder = this.decoder(true)
    let text = ''
    for (let i = 0; i < ids.length; i++) text += decoder.push(ids[i] as number)
    return text + decoder.end()
  }

  decoder(atStart = false): TokenDecoder {
    const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
    let hasPrefix = atStart && this.#encoder instanceof SpmEncoder && this.#encoder.addsSpacePrefix
    return {
      push: (id) => {
        const text = utf8.decode(this.#bytesOf(id), { stream: true })
        if (!hasPrefix || text === '') return text
        hasPrefix = false
        return text.startsWith(' ') ? text.slice(1) : text
      },
      end: () => utf8.decode()
    }
  }

  isSpecial(id: number): boolean {
    const type = this.#table.typeOf(id)
    return type === TOKEN_CONTROL || type === TOKEN_UNKNOWN
  }

  textOf(id: number): string {
    return this.#table.textOf(id)
  }

  #bytesOf(id: number): Uint8Array {
    if (this.isSpecial(id) || this.#table.typeOf(id) === TOKEN_UNUSED) return NOTHING
    return this.#encoder instanceof SpmEncoder
      ? spmBytes(this.#table, id)
      : bpeBytes(this.#table, id)
  }
}

const NOTHING = new Uint8Array(0)

/** Half a surrogate pair is no character; it becomes U+FFFD, as in every UTF-8 encoder. */
function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? Buffer.from(text).toString() : text
}
