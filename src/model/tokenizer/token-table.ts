// The vocabulary of a model file: text, type and score of every token, checked against each other.
// Owns the way from text to id and back and the ids with a meaning of their own (bos, eos, unk). Does
// not know how texts are cut into tokens (spm.ts, bpe.ts).

import { SwarmError } from '../../base/errors.ts'
import { TOKEN_BYTES_MAX, VOCAB_MAX } from '../../base/limits.ts'
import { clip } from '../../base/text.ts'
import type { Metadata, StringList } from '../metadata.ts'

/** enum llama_token_type; what a file does not say is normal. */
export const TOKEN_NORMAL = 1
export const TOKEN_UNKNOWN = 2
export const TOKEN_CONTROL = 3
export const TOKEN_USER_DEFINED = 4
export const TOKEN_UNUSED = 5
export const TOKEN_BYTE = 6

export class TokenTable {
  readonly size: number
  /** One per token; special-tokens.ts corrects the types of tokens that files often mark wrongly. */
  readonly types: Uint8Array
  readonly #texts: StringList
  readonly #ids = new Map<string, number>()

  /** @throws MODEL_BAD_METADATA, MODEL_TOO_LARGE */
  constructor(metadata: Metadata) {
    const key = 'tokenizer.ggml.tokens'
    const texts = metadata.texts(key)
    if (!texts || texts.length === 0) {
      throw new SwarmError('MODEL_BAD_METADATA', `key '${key}' is missing or empty`)
    }
    if (texts.length > VOCAB_MAX) {
      throw new SwarmError(
        'MODEL_TOO_LARGE',
        `key '${key}' has ${texts.length} tokens, above the bound of ${VOCAB_MAX}`
      )
    }
    this.#texts = texts
    this.size = texts.length
    this.types = readTypes(metadata, this.size)
    for (let id = 0; id < this.size; id++) this.#add(id)
  }

  /** Raw text of a token, as the file has it; empty beyond the vocabulary. */
  textOf(id: number): string {
    return this.#has(id) ? this.#texts.at(id) : ''
  }

  bytesOf(id: number): Uint8Array {
    return this.#has(id) ? this.#texts.bytesAt(id) : new Uint8Array(0)
  }

  /** @returns -1 when no token has this text. */
  idOf(text: string): number {
    return this.#ids.get(text) ?? -1
  }

  typeOf(id: number): number {
    return this.types[id] ?? TOKEN_UNUSED
  }

  #has(id: number): boolean {
    return id >= 0 && id < this.size
  }

  #add(id: number): void {
    const bytes = this.#texts.bytesAt(id)
    if (bytes.length > TOKEN_BYTES_MAX) {
      throw new SwarmError(
        'MODEL_TOO_LARGE',
        `token ${id} has ${bytes.length} bytes, above the bound of ${TOKEN_BYTES_MAX}`
      )
    }
    const text = this.#texts.at(id)
    // Some vocabularies have empty places, and some pieces that are not UTF-8. They can be decoded,
    // but no text contains them.
    if (text === '' || (text.includes('\uFFFD') && !Buffer.from(text).equals(bytes))) return
    const first = this.#ids.get(text)
    if (first !== undefined) {
      throw new SwarmError(
        'MODEL_BAD_METADATA',
        `tokens ${first} and ${id} are both '${clip(text)}'; the file is damaged`
      )
    }
    this.#ids.set(text, id)
  }
}

function readTypes(metadata: Metadata, size: number): Uint8Array {
  const key = 'tokenizer.ggml.token_type'
  const types = metadata.integers(key)
  if (!types) return new Uint8Array(size).fill(TOKEN_NORMAL)
  if (types.length !== size) {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `key '${key}' has ${types.length} entries for ${size} tokens; the file is damaged`
    )
  }
  return Uint8Array.from(types, (type) => (type >= 1 && type <= TOKEN_BYTE ? type : TOKEN_UNUSED))
}

/**
 * @param fallback the id where the file says nothing; -1 for none.
 * @returns null when there is no such token.
 * @throws MODEL_BAD_METADATA for an id outside the vocabulary.
 */
export function readTokenId(
  metadata: Metadata,
  name: string,
  size: number,
  fallback = -1
): number | null {
  const key = `tokenizer.ggml.${name}_token_id`
  const id = metadata.integer(key)
  if (id === null) return fallback >= 0 && fallback < size ? fallback : null
  if (id < 0 || id >= size) {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `key '${key}' is ${id}, outside the vocabulary of ${size}; the file is damaged`
    )
  }
  return id
}
