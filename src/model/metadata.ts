// The key-value part of a model file as typed values. Owns the value types, the compact list of
// strings and the getters that check a type before the program relies on it. Does not know the format
// of the bytes (gguf.ts) nor which keys a model needs (hyperparameters.ts, tokenizer/).

import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'

export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array

/** Names of the value types, index = number in the file (GGUF specification, gguf_metadata_value_type). */
export const VALUE_TYPES = [
  'u8',
  'i8',
  'u16',
  'i16',
  'u32',
  'i32',
  'f32',
  'bool',
  'string',
  'array',
  'u64',
  'i64',
  'f64'
] as const
export type ValueType = (typeof VALUE_TYPES)[number]
export type IntegerType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64'

export type GgufValue =
  | { type: IntegerType; value: number | bigint }
  | { type: 'f32' | 'f64'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  /** Booleans are kept as bytes 0 and 1. */
  | { type: 'array'; of: IntegerType | 'f32' | 'f64' | 'bool'; value: GgufNumbers }
  | { type: 'array'; of: 'string'; value: StringList }

/** Many strings in two arrays: the bytes as they are in the file, and where each string ends. */
export class StringList {
  readonly #bytes: Uint8Array
  readonly #ends: Uint32Array

  constructor(bytes: Uint8Array, ends: Uint32Array) {
    this.#bytes = bytes
    this.#ends = ends
  }

  static of(texts: readonly string[]): StringList {
    let end = 0
    const ends = Uint32Array.from(texts, (text) => (end += Buffer.byteLength(text)))
    return new StringList(new Uint8Array(Buffer.from(texts.join(''))), ends)
  }

  get length(): number {
    return this.#ends.length
  }

  /** A view; not to be changed. */
  bytesAt(index: number): Uint8Array {
    const start = index === 0 ? 0 : (this.#ends[index - 1] as number)
    return this.#bytes.subarray(start, this.#ends[index])
  }

  /** Bytes that are not UTF-8 come out as U+FFFD. */
  at(index: number): string {
    const bytes = this.bytesAt(index)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }
}

/** Getters answer null for an absent key and throw MODEL_BAD_METADATA for a value of another type. */
export class Metadata {
  readonly #values: ReadonlyMap<string, GgufValue>

  constructor(values: ReadonlyMap<string, GgufValue>) {
    this.#values = values
  }

  get size(): number {
    return this.#values.size
  }

  keys(): IterableIterator<string> {
    return this.#values.keys()
  }

  get(key: string): GgufValue | null {
    return this.#values.get(key) ?? null
  }

  text(key: string): string | null {
    const found = this.get(key)
    if (found === null) return null
    if (found.type !== 'string') throw wrongType(key, 'a string', found)
    return found.value
  }

  /** Any integer type, if its value is exact in a double. */
  integer(key: string): number | null {
    const found = this.get(key)
    if (found === null) return null
    if (typeof found.value !== 'number' || found.type === 'f32' || found.type === 'f64') {
      throw wrongType(key, 'an integer below 2^53', found)
    }
    return found.value
  }

  float(key: string): number | null {
    const found = this.get(key)
    if (found === null) return null
    if (found.type !== 'f32' && found.type !== 'f64') {
      throw wrongType(key, 'a floating-point number', found)
    }
    return found.value
  }

  flag(key: string): boolean | null {
    const found = this.get(key)
    if (found === null) return null
    if (found.type !== 'bool') throw wrongType(key, 'a boolean', found)
    return found.value
  }

  texts(key: string): StringList | null {
    const found = this.get(key)
    if (found === null) return null
    if (found.type !== 'array' || found.of !== 'string') {
      throw wrongType(key, 'an array of strings', found)
    }
    return found.value
  }

  floats(key: string): Float32Array | null {
    const found = this.get(key)
    if (found === null) return null
    if (!(found.value instanceof Float32Array)) throw wrongType(key, 'an array of f32', found)
    return found.value
  }

  integers(key: string): Int32Array | Uint32Array | null {
    const found = this.get(key)
    if (found === null) return null
    if (!(found.value instanceof Int32Array || found.value instanceof Uint32Array)) {
      throw wrongType(key, 'an array of 32-bit integers', found)
    }
    return found.value
  }
}

function wrongType(key: string, wanted: string, found: GgufValue): SwarmError {
  const type = found.type === 'array' ? `an array of ${found.of}` : found.type
  return new SwarmError(
    'MODEL_BAD_METADATA',
    `key '${clip(key)}' is ${type} where ${wanted} belongs; the file is damaged or not a model`
  )
}
