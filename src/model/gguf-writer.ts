// The header of a GGUF file from values: what gguf.ts reads, in the other direction. Owns the byte
// order and the places of the tensors in the file; the caller writes their data there. Checks nothing
// but its own output: the values are the program's own. Used by the model generator and the tests.

import type { GgufTensor } from './gguf.ts'
import { VALUE_TYPES, type GgufValue, type ValueType } from './metadata.ts'
import { rowBytes, tensorType, type TensorType } from './tensor-types.ts'

export interface GgufHeaderInput {
  version?: 2 | 3
  /** Power of two; written as a key only where it is not 32. */
  alignment?: number
  metadata: Iterable<[key: string, value: GgufValue]>
  tensors: readonly Pick<GgufTensor, 'name' | 'typeId' | 'shape'>[]
}

export interface GgufHeader {
  /** Everything before the tensor data, padding included. */
  bytes: Uint8Array
  /** In the order given, without gaps but for the alignment. */
  tensors: GgufTensor[]
  /** Of the whole file; the last tensor is padded too, as other writers do. */
  sizeBytes: number
}

export function encodeGgufHeader(input: GgufHeaderInput): GgufHeader {
  const { version = 3, alignment = 32 } = input
  const metadata = [...input.metadata]
  if (alignment !== 32) metadata.push(['general.alignment', { type: 'u32', value: alignment }])
  const out = new ByteWriter()
  out.raw(Buffer.from('GGUF'))
  out.u32(version)
  out.u64(input.tensors.length)
  out.u64(metadata.length)
  for (const [key, value] of metadata) {
    out.text(Buffer.from(key))
    writeValue(out, value)
  }
  const sized = input.tensors.map((tensor) => ({ tensor, sizeBytes: sizeOf(tensor) }))
  let relative = 0
  for (const { tensor, sizeBytes } of sized) {
    out.text(Buffer.from(tensor.name))
    out.u32(tensor.shape.length)
    for (const length of tensor.shape) out.u64(length)
    out.u32(tensor.typeId)
    out.u64(relative)
    relative = padded(relative + sizeBytes, alignment)
  }
  out.raw(new Uint8Array(padded(out.length, alignment) - out.length))

  let offsetBytes = out.length
  const tensors = sized.map(({ tensor: { name, typeId, shape }, sizeBytes }) => {
    const placed = { name, typeId, shape, offsetBytes, sizeBytes }
    offsetBytes = padded(offsetBytes + sizeBytes, alignment)
    return placed
  })
  return { bytes: out.finish(), tensors, sizeBytes: offsetBytes }
}

function sizeOf({ typeId, shape }: Pick<GgufTensor, 'typeId' | 'shape'>): number {
  const [cols = 1, ...rest] = shape
  return rest.reduce(
    (size, length) => size * length,
    rowBytes(tensorType(typeId) as TensorType, cols)
  )
}

function padded(length: number, alignment: number): number {
  return Math.ceil(length / alignment) * alignment
}

function writeValue(out: ByteWriter, value: GgufValue): void {
  out.u32(VALUE_TYPES.indexOf(value.type))
  if (value.type !== 'array') {
    writeScalar(out, value.type, value.value)
    return
  }
  out.u32(VALUE_TYPES.indexOf(value.of))
  out.u64(value.value.length)
  if (value.of === 'string') {
    for (let i = 0; i < value.value.length; i++) out.text(value.value.bytesAt(i))
    return
  }
  const { buffer, byteOffset, byteLength } = value.value
  out.raw(new Uint8Array(buffer, byteOffset, byteLength))
}

function writeScalar(
  out: ByteWriter,
  type: ValueType,
  value: number | bigint | boolean | string
): void {
  if (typeof value === 'string') out.text(Buffer.from(value))
  else if (type === 'f32') out.f32(Number(value))
  else if (type === 'f64') out.f64(Number(value))
  else if (type === 'u64' || type === 'i64') out.raw64(BigInt(value))
  else if (type === 'u32' || type === 'i32') out.u32(Number(value))
  else if (type === 'u16' || type === 'i16') out.u16(Number(value))
  else out.u8(Number(value))
}

/** Grows by doubling; every number is little-endian. */
class ByteWriter {
  #bytes = new Uint8Array(2 ** 16)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  get length(): number {
    return this.#length
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length)
    this.#bytes.set(bytes, at)
  }

  text(bytes: Uint8Array): void {
    this.u64(bytes.length)
    this.raw(bytes)
  }

  u8(value: number): void {
    const at = this.#take(1)
    this.#view.setUint8(at, value)
  }

  u16(value: number): void {
    const at = this.#take(2)
    this.#view.setUint16(at, value, true)
  }

  u32(value: number): void {
    const at = this.#take(4)
    this.#view.setUint32(at, value, true)
  }

  f32(value: number): void {
    const at = this.#take(4)
    this.#view.setFloat32(at, value, true)
  }

  f64(value: number): void {
    const at = this.#take(8)
    this.#view.setFloat64(at, value, true)
  }

  u64(value: number): void {
    this.raw64(BigInt(value))
  }

  raw64(value: bigint): void {
    const at = this.#take(8)
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true)
  }

  #take(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}
