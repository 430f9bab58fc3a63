// One metadata value of a GGUF file, by its type. Owns how scalars, strings and arrays lie in the
// bytes and the bound of each; arrays stay compact (typed arrays, one block of string bytes), because
// a vocabulary has up to a million of them. Does not know what a key means.

import { SwarmError } from '../base/errors.ts'
import { GGUF_STRING_BYTES_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import type { GgufCursor } from './gguf-cursor.ts'
import {
  StringList,
  VALUE_TYPES,
  type GgufNumbers,
  type GgufValue,
  type ValueType
} from './metadata.ts'

type NumberType = Exclude<ValueType, 'string' | 'array'>

const SIZES: Record<NumberType, number> = {
  u8: 1,
  i8: 1,
  bool: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  u64: 8,
  i64: 8,
  f64: 8
}

/** @throws MODEL_BAD_METADATA, MODEL_TRUNCATED, MODEL_TOO_LARGE */
export async function readValue(cursor: GgufCursor, key: string): Promise<GgufValue> {
  const what = `key '${clip(key)}'`
  const type = await readType(cursor, what)
  if (type === 'string') return { type, value: await readText(cursor, what) }
  if (type !== 'array') {
    await cursor.fill(SIZES[type], what)
    return scalar(type, numbers(type, cursor.bytes(SIZES[type]).slice(), what))
  }
  const of = await readType(cursor, what)
  if (of === 'array') {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `${what} is an array of arrays, which no model needs; the file is damaged`
    )
  }
  await cursor.fill(8, what)
  const count = cursor.u64()
  const bytesMin = of === 'string' ? 8 : SIZES[of]
  cursor.expect(count * bytesMin, what)
  if (of === 'string') return { type, of, value: await readTexts(cursor, count, what) }
  return { type, of, value: numbers(of, await cursor.readAhead(count * bytesMin, what), what) }
}

async function readType(cursor: GgufCursor, what: string): Promise<ValueType> {
  await cursor.fill(4, what)
  const id = cursor.u32()
  const type = VALUE_TYPES[id]
  if (!type) {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `${what} has value type ${id}, which GGUF does not define; the file is damaged`
    )
  }
  return type
}

async function readText(cursor: GgufCursor, what: string): Promise<string> {
  await cursor.fill(8, what)
  const length = checkLength(cursor.u64(), what)
  await cursor.fill(length, what)
  const bytes = cursor.bytes(length)
  return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('utf8')
}

async function readTexts(cursor: GgufCursor, count: number, what: string): Promise<StringList> {
  const ends = new Uint32Array(count)
  let bytes = new Uint8Array(64)
  let end = 0
  for (let i = 0; i < count; i++) {
    if (!cursor.has(8)) await cursor.fill(8, what)
    const length = checkLength(cursor.u64(), what)
    if (!cursor.has(length)) await cursor.fill(length, what)
    if (end + length > bytes.length) bytes = grown(bytes, end, length)
    bytes.set(cursor.bytes(length), end)
    end += length
    ends[i] = end
  }
  return new StringList(bytes.slice(0, end), ends)
}

// The cursor has the new string in its window already, so doubling stays within twice the bytes that
// really came.
function grown(bytes: Uint8Array, used: number, more: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(bytes.length * 2, used + more))
  larger.set(bytes.subarray(0, used))
  return larger
}

function checkLength(length: number, what: string): number {
  if (length <= GGUF_STRING_BYTES_MAX) return length
  throw new SwarmError(
    'MODEL_TOO_LARGE',
    `${what} has a string of ${length} bytes, above the bound of ${GGUF_STRING_BYTES_MAX}; ` +
      `the file is damaged`
  )
}

/** @param bytes little-endian, owned and aligned: a fresh buffer. */
function numbers(type: NumberType, bytes: Uint8Array, what: string): GgufNumbers {
  const { buffer, byteOffset, byteLength } = bytes
  const count = byteLength / SIZES[type]
  switch (type) {
    case 'u8':
      return bytes
    case 'bool':
      if (bytes.some((byte) => byte > 1)) {
        throw new SwarmError(
          'MODEL_BAD_METADATA',
          `${what} has a boolean that is neither 0 nor 1; the file is damaged`
        )
      }
      return bytes
    case 'i8':
      return new Int8Array(buffer, byteOffset, count)
    case 'u16':
      return new Uint16Array(buffer, byteOffset, count)
    case 'i16':
      return new Int16Array(buffer, byteOffset, count)
    case 'u32':
      return new Uint32Array(buffer, byteOffset, count)
    case 'i32':
      return new Int32Array(buffer, byteOffset, count)
    case 'f32':
      return new Float32Array(buffer, byteOffset, count)
    case 'u64':
      return new BigUint64Array(buffer, byteOffset, count)
    case 'i64':
      return new BigInt64Array(buffer, byteOffset, count)
    case 'f64':
      return new Float64Array(buffer, byteOffset, count)
  }
}

function scalar(type: NumberType, one: GgufNumbers): GgufValue {
  const value = one[0] as number | bigint
  if (type === 'bool') return { type, value: value === 1 }
  if (type === 'f32' || type === 'f64') return { type, value: Number(value) }
  const exact = Number.isSafeInteger(Number(value))
  return { type, value: exact ? Number(value) : value }
}
