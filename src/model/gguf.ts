// Flow C, the start: the header of a GGUF file (versions 2 and 3, little-endian) as values. Owns the
// order of the format and the check of every count, length, shape and offset in it: the bytes are a
// stranger's. Reads the header only, so a file of 40 GB opens at once. Does not know architectures.
// Source: the GGUF specification in the ggml repository, docs/gguf.md.

import { SwarmError } from '../base/errors.ts'
import {
  GGUF_KEYS_MAX,
  GGUF_KEY_BYTES_MAX,
  GGUF_TENSORS_MAX,
  GGUF_TENSOR_NAME_BYTES_MAX
} from '../base/limits.ts'
import { clip } from '../base/text.ts'
import type { ByteSource } from './byte-source.ts'
import { GgufCursor } from './gguf-cursor.ts'
import { readValue } from './gguf-value.ts'
import { Metadata, type GgufValue } from './metadata.ts'
import { rowBytes, tensorType } from './tensor-types.ts'

const MAGIC = 0x46554747 // 'GGUF', little-endian
const DEFAULT_ALIGNMENT = 32
const DIMENSIONS_MAX = 4
// Shortest possible entries: key length, one byte of key, type, one byte of value; and a tensor's
// name length, one byte of name, dimension count, one dimension, type, offset.
const KEY_BYTES_MIN = 14
const TENSOR_BYTES_MIN = 33

export interface GgufTensor {
  readonly name: string
  /** Known to tensor-types.ts, though perhaps not supported. */
  readonly typeId: number
  /** 1 to 4 dimensions, the fastest first: a matrix is [cols, rows]. */
  readonly shape: readonly number[]
  /** From the start of the file. */
  readonly offsetBytes: number
  readonly sizeBytes: number
}

export interface Gguf {
  readonly version: number
  readonly alignment: number
  readonly metadata: Metadata
  readonly tensors: readonly GgufTensor[]
  /** Where the tensor data starts; the header and its padding lie before. */
  readonly dataOffsetBytes: number
  readonly sizeBytes: number
}

/**
 * @throws MODEL_BAD_MAGIC, MODEL_BAD_VERSION, MODEL_TRUNCATED, MODEL_TOO_LARGE, MODEL_BAD_METADATA,
 *         MODEL_BAD_TENSOR, MODEL_UNSUPPORTED_TYPE; the message names the key or tensor.
 */
export async function readGguf(source: ByteSource): Promise<Gguf> {
  const cursor = new GgufCursor(source)
  const version = await readVersion(cursor)
  await cursor.fill(16, 'the header')
  const tensorCount = cursor.u64()
  const keyCount = cursor.u64()
  checkCount(cursor, 'tensors', tensorCount, GGUF_TENSORS_MAX, TENSOR_BYTES_MIN)
  checkCount(cursor, 'keys', keyCount, GGUF_KEYS_MAX, KEY_BYTES_MIN)

  const metadata = await readMetadata(cursor, keyCount)
  const alignment = readAlignment(metadata)
  const relative = await readTensors(cursor, tensorCount, alignment)
  const dataOffsetBytes = Math.ceil(cursor.offset / alignment) * alignment
  const tensors = relative.map(({ name, typeId, shape, offsetBytes, sizeBytes }) => {
    return { name, typeId, shape, offsetBytes: dataOffsetBytes + offsetBytes, sizeBytes }
  })
  checkPlaces(tensors, source.sizeBytes)
  return { version, alignment, metadata, tensors, dataOffsetBytes, sizeBytes: source.sizeBytes }
}

async function readVersion(cursor: GgufCursor): Promise<number> {
  await cursor.fill(Math.min(4, cursor.remaining), 'the magic number')
  if (!cursor.has(4) || cursor.u32() !== MAGIC) {
    throw new SwarmError(
      'MODEL_BAD_MAGIC',
      'the file does not start with GGUF, so it is not a model in that format; ' +
        'a .safetensors or .bin file has to be converted first'
    )
  }
  await cursor.fill(4, 'the version')
  const version = cursor.u32()
  if (version === 2 || version === 3) return version
  const reason =
    version === 1
      ? 'GGUF version 1, which was withdrawn in 2023; convert it again'
      : version !== 0 && (version & 0xffff) === 0
        ? 'big-endian, which no current machine needs; fetch the little-endian file'
        : `GGUF version ${version}, and this program reads 2 and 3`
  throw new SwarmError('MODEL_BAD_VERSION', `the file is ${reason}`)
}

function checkCount(
  cursor: GgufCursor,
  what: string,
  count: number,
  countMax: number,
  bytesMin: number
): void {
  if (count > countMax) {
    throw new SwarmError(
      'MODEL_TOO_LARGE',
      `the header claims ${count} ${what}, above the bound of ${countMax}; the file is damaged`
    )
  }
  if (count * bytesMin > cursor.remaining) {
    throw new SwarmError(
      'MODEL_TRUNCATED',
      `the header claims ${count} ${what}, but the file has only ${cursor.remaining} more bytes; ` +
        `it is cut off or damaged, fetch it again`
    )
  }
}

async function readMetadata(cursor: GgufCursor, keyCount: number): Promise<Metadata> {
  const values = new Map<string, GgufValue>()
  for (let index = 0; index < keyCount; index++) {
    const key = await readKey(cursor, index)
    if (values.has(key)) {
      throw new SwarmError('MODEL_BAD_METADATA', `key '${clip(key)}' appears twice`)
    }
    values.set(key, await readValue(cursor, key))
  }
  return new Metadata(values)
}

async function readKey(cursor: GgufCursor, index: number): Promise<string> {
  const what = `key number ${index}`
  await cursor.fill(8, what)
  const length = cursor.u64()
  if (length === 0 || length > GGUF_KEY_BYTES_MAX) {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `${what} has a name of ${length} bytes, allowed are 1 to ${GGUF_KEY_BYTES_MAX}`
    )
  }
  await cursor.fill(length, what)
  return utf8(cursor.bytes(length), 'MODEL_BAD_METADATA', what)
}

function readAlignment(metadata: Metadata): number {
  const found = metadata.get('general.alignment')
  if (found === null) return DEFAULT_ALIGNMENT
  const alignment = found.value
  if (found.type !== 'u32' || typeof alignment !== 'number' || !isPowerOfTwo(alignment)) {
    throw new SwarmError(
      'MODEL_BAD_METADATA',
      `key 'general.alignment' must be a power of two of type u32, but is ` +
        `${found.type} ${String(alignment).slice(0, 20)}`
    )
  }
  return alignment
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0
}

/** @returns tensors whose offsetBytes still count from the start of the tensor data. */
async function readTensors(
  cursor: GgufCursor,
  tensorCount: number,
  alignment: number
): Promise<GgufTensor[]> {
  const tensors: GgufTensor[] = []
  const names = new Set<string>()
  for (let index = 0; index < tensorCount; index++) {
    const name = await readTensorName(cursor, index)
    if (names.has(name)) throw badTensor(name, 'appears twice')
    names.add(name)
    tensors.push(await readTensor(cursor, name, alignment))
  }
  return tensors
}

async function readTensorName(cursor: GgufCursor, index: number): Promise<string> {
  const what = `tensor number ${index}`
  await cursor.fill(8, what)
  const length = cursor.u64()
  if (length === 0 || length > GGUF_TENSOR_NAME_BYTES_MAX) {
    throw new SwarmError(
      'MODEL_BAD_TENSOR',
      `${what} has a name of ${length} bytes, allowed are 1 to ${GGUF_TENSOR_NAME_BYTES_MAX}`
    )
  }
  await cursor.fill(length, what)
  return utf8(cursor.bytes(length), 'MODEL_BAD_TENSOR', what)
}

async function readTensor(
  cursor: GgufCursor,
  name: string,
  alignment: number
): Promise<GgufTensor> {
  const what = `tensor '${clip(name)}'`
  await cursor.fill(4, what)
  const dimensions = cursor.u32()
  if (dimensions < 1 || dimensions > DIMENSIONS_MAX) {
    throw badTensor(name, `has ${dimensions} dimensions, allowed are 1 to ${DIMENSIONS_MAX}`)
  }
  await cursor.fill(dimensions * 8 + 12, what)
  const shape: number[] = []
  for (let i = 0; i < dimensions; i++) shape.push(cursor.u64())
  const typeId = cursor.u32()
  const offsetBytes = cursor.u64()
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes % alignment !== 0) {
    throw badTensor(name, `has offset ${offsetBytes}, not a multiple of ${alignment} below 2^53`)
  }
  return { name, typeId, shape, offsetBytes, sizeBytes: sizeOf(name, typeId, shape) }
}

function sizeOf(name: string, typeId: number, shape: number[]): number {
  const type = tensorType(typeId)
  if (!type) {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_TYPE',
      `tensor '${clip(name)}' has number format ${typeId}, which this program does not know; ` +
        `use a file quantised to Q4_K_M or Q8_0`
    )
  }
  const [cols = 0] = shape
  if (shape.includes(0)) throw badTensor(name, `has an empty dimension: ${shape.join(' x ')}`)
  if (cols % type.blockLength !== 0) {
    throw badTensor(
      name,
      `has rows of ${cols}, not whole ${type.name} blocks of ${type.blockLength}`
    )
  }
  let elements = 1
  for (const length of shape) elements *= length
  const sizeBytes = rowBytes(type, cols) * (elements / cols)
  if (!(elements < Number.MAX_SAFE_INTEGER) || !(sizeBytes < Number.MAX_SAFE_INTEGER)) {
    throw badTensor(name, `has shape ${shape.join(' x ')}, more than 2^53 elements or bytes`)
  }
  return sizeBytes
}

/** Every tensor inside the file, none on top of another. */
function checkPlaces(tensors: readonly GgufTensor[], sizeBytes: number): void {
  const sorted = tensors.toSorted((a, b) => a.offsetBytes - b.offsetBytes)
  for (const [index, tensor] of sorted.entries()) {
    const end = tensor.offsetBytes + tensor.sizeBytes
    if (end > sizeBytes) {
      throw new SwarmError(
        'MODEL_TRUNCATED',
        `tensor '${clip(tensor.name)}' ends at byte ${end}, but the file ends at byte ` +
          `${sizeBytes}; it is cut off or damaged, fetch it again`
      )
    }
    const next = sorted[index + 1]
    if (next && next.offsetBytes < end) {
      throw badTensor(tensor.name, `overlaps tensor '${clip(next.name)}'`)
    }
  }
}

function badTensor(name: string, fault: string): SwarmError {
  return new SwarmError('MODEL_BAD_TENSOR', `tensor '${clip(name)}' ${fault}; the file is damaged`)
}

function utf8(
  bytes: Uint8Array,
  code: 'MODEL_BAD_METADATA' | 'MODEL_BAD_TENSOR',
  what: string
): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new SwarmError(code, `${what} has a name that is not UTF-8; the file is damaged`, {
      cause
    })
  }
}
