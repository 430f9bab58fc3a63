// Flow B, SentencePiece (Llama 2, TinyLlama, Mistral): characters merge into the token of the highest
// score until none fits; what is left and is no token is written as bytes. Owns the spaces, the scores
// and the fallback; the merging is symbol-merger.ts. Equal to llama.cpp's tokenizer and to Google's.

import { SwarmError } from '../../base/errors.ts'
import type { Metadata } from '../metadata.ts'
import { mergeSymbols, type MergeRules } from './symbol-merger.ts'
import { TOKEN_BYTE, TOKEN_NORMAL, type TokenTable } from './token-table.ts'

const SPACE = '\u2581'

export class SpmEncoder {
  /** A space goes before a text that follows a special token or nothing. */
  readonly addsSpacePrefix: boolean
  readonly #table: TokenTable
  readonly #unkId: number | null
  /** Place of each token's score among all different scores; the highest is 0. */
  readonly #ranks: Int32Array

  /** @throws MODEL_BAD_METADATA */
  constructor(metadata: Metadata, table: TokenTable, unkId: number | null) {
    this.#table = table
    this.#unkId = unkId
    this.#ranks = readRanks(metadata, table.size)
    this.addsSpacePrefix = metadata.flag('tokenizer.ggml.add_space_prefix') ?? true
  }

  /** Appends the ids of a text without special tokens. */
  encode(text: string, afterSpecial: boolean, ids: number[]): void {
    const prefixed = afterSpecial && this.addsSpacePrefix ? ` ${text}` : text
    const session = new SpmSession(this.#table, this.#ranks)
    const characters = Array.from(prefixed.replaceAll(' ', SPACE))
    const symbols = Int32Array.from(characters, (character) => session.symbolFor(character))
    let afterUnknown = false
    for (const symbol of mergeSymbols(symbols, session)) {
      if (symbol < this.#table.size) {
        ids.push(symbol)
        afterUnknown = false
      } else {
        afterUnknown = this.#encodeBytes(session.textOf(symbol), afterUnknown, ids)
      }
    }
  }

  /**
   * A character that is no token, as the tokens of its bytes. A vocabulary without those gets one
   * unknown token for a run of such characters, as SentencePiece has it.
   * @returns whether it ended as unknown.
   */
  #encodeBytes(character: string, afterUnknown: boolean, ids: number[]): boolean {
    const bytes = Array.from(Buffer.from(character), (byte) => this.#table.idOf(byteName(byte)))
    if (bytes.every((id) => id >= 0)) {
      ids.push(...bytes)
      return false
    }
    if (!afterUnknown && this.#unkId !== null) ids.push(this.#unkId)
    return true
  }
}

/** One text: characters that are no tokens get symbols of their own, and pairs are looked up once. */
class SpmSession implements MergeRules {
  readonly #table: TokenTable
  readonly #ranks: Int32Array
  readonly #extras: string[] = []
  readonly #extraSymbols = new Map<string, number>()
  readonly #rules = new Map<number, number>()

  constructor(table: TokenTable, ranks: Int32Array) {
    this.#table = table
    this.#ranks = ranks
  }

  symbolFor(character: string): number {
    const id = this.#table.idOf(character)
    if (id >= 0) return id
    const known = this.#extraSymbols.get(character)
    if (known !== undefined) return known
    const symbol = this.#table.size + this.#extras.length
    this.#extras.push(character)
    this.#extraSymbols.set(character, symbol)
    return symbol
  }

  textOf(symbol: number): string {
    return this.#extras[symbol - this.#table.size] ?? this.#table.textOf(symbol)
  }

  /** The rule is the token that the pair becomes. */
  find(left: number, right: number): number {
    const pair = left * 2 ** 26 + right
    const known = this.#rules.get(pair)
    if (known !== undefined) return known
    const id = this.#table.idOf(this.textOf(left) + this.textOf(right))
    this.#rules.set(pair, id)
    return id
  }

  rankOf(id: number): number {
    return this.#ranks[id] as number
  }

  symbolOf(id: number): number {
    return id
  }
}

/** Bytes that a token stands for in an answer, special tokens apart. */
export function spmBytes(table: TokenTable, id: number): Uint8Array {
  const type = table.typeOf(id)
  if (type === TOKEN_BYTE) {
    const [, digits] = /^<0x([0-9A-Fa-f]{2})>$/.exec(table.textOf(id)) ?? []
    return digits === undefined ? table.bytesOf(id) : Uint8Array.of(parseInt(digits, 16))
  }
  if (type !== TOKEN_NORMAL) return table.bytesOf(id)
  return withSpaces(table.bytesOf(id))
}

// On bytes, because a piece need not be whole characters.
function withSpaces(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0xe2 && bytes[i + 1] === 0x96 && bytes[i + 2] === 0x81) {
      out.push(0x20)
      i += 2
    } else out.push(bytes[i] as number)
  }
  return Uint8Array.from(out)
}

function byteName(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}

function readRanks(metadata: Metadata, size: number): Int32Array {
  const key = 'tokenizer.ggml.scores'
  const scores = metadata.floats(key)
  if (!scores) return new Int32Array(size)
  if (scores.length !== size) {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `key '${key}' has ${scores.length} entries for ${size} tokens; the file is damaged`
    )
  }
  if (scores.some(Number.isNaN)) {
    throw new SwarmError('MODEL_BAD_METADATA', `key '${key}' has an entry that is no number`)
  }
  const places = new Map<number, number>()
  for (const score of scores.toSorted().toReversed()) {
    if (!places.has(score)) places.set(score, places.size)
  }
  return Int32Array.from(scores, (score) => places.get(score) as number)
}
