// Decodes every supported number format to f32, element by element in the plainest way: the oracle for
// the generator and for the native kernels. Independent of both. Each operation is rounded to f32 in
// the order in which ggml's C code does it, so equality with it is exact. Source: ggml-common.h and
// the dequantize_row functions of ggml-quants.c.

import { tensorTypeNamed, type SupportedType } from '../../src/model/tensor-types.ts'

type Decode = (view: DataView, at: number, out: Float32Array, to: number) => void

const f = Math.fround

/** @param bytes whole blocks; @returns their elements in order. */
export function dequantize(type: SupportedType, bytes: Uint8Array): Float32Array {
  const { blockLength, bytesPerBlock } = tensorTypeNamed(type)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const blocks = bytes.length / bytesPerBlock
  const out = new Float32Array(blocks * blockLength)
  for (let block = 0; block < blocks; block++) {
    DECODERS[type](view, block * bytesPerBlock, out, block * blockLength)
  }
  return out
}

export function halfToSingle(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const mantissa = bits & 0x3ff
  if (exponent === 0) return sign * mantissa * 2 ** -24
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}

const half = (view: DataView, at: number) => halfToSingle(view.getUint16(at, true))

const DECODERS: Record<SupportedType, Decode> = {
  F32(view, at, out, to) {
    out[to] = view.getFloat32(at, true)
  },

  F16(view, at, out, to) {
    out[to] = half(view, at)
  },

  BF16(view, at, out, to) {
    const word = new DataView(new ArrayBuffer(4))
    word.setUint16(2, view.getUint16(at, true), true)
    out[to] = word.getFloat32(0, true)
  },

  // d, 16 bytes: low nibbles are elements 0 to 15, high nibbles 16 to 31.
  Q4_0(view, at, out, to) {
    const d = half(view, at)
    for (let i = 0; i < 32; i++) out[to + i] = f((nibble(view, at + 2, i) - 8) * d)
  },

  Q4_1(view, at, out, to) {
    const d = half(view, at)
    const m = half(view, at + 2)
    for (let i = 0; i < 32; i++) out[to + i] = f(f(nibble(view, at + 4, i) * d) + m)
  },

  // d, 32 fifth bits, nibbles.
  Q5_0(view, at, out, to) {
    const d = half(view, at)
    const high = view.getUint32(at + 2, true)
    for (let i = 0; i < 32; i++) {
      const q = nibble(view, at + 6, i) + 16 * ((high >>> i) & 1)
      out[to + i] = f((q - 16) * d)
    }
  },

  Q5_1(view, at, out, to) {
    const d = half(view, at)
    const m = half(view, at + 2)
    const high = view.getUint32(at + 4, true)
    for (let i = 0; i < 32; i++) {
      const q = nibble(view, at + 8, i) + 16 * ((high >>> i) & 1)
      out[to + i] = f(f(q * d) + m)
    }
  },

  Q8_0(view, at, out, to) {
    const d = half(view, at)
    for (let i = 0; i < 32; i++) out[to + i] = f(view.getInt8(at + 2 + i) * d)
  },

  // 16 bytes of scale (low nibble) and minimum, 64 bytes of 2-bit quants, d, dmin.
  Q2_K(view, at, out, to) {
    const d = half(view, at + 80)
    const dmin = half(view, at + 82)
    for (let i = 0; i < 256; i++) {
      const sub = view.getUint8(at + (i >> 4))
      const q = twoBits(view, at + 16, i)
      out[to + i] = f(f(f(d * (sub & 15)) * q) - f(dmin * (sub >> 4)))
    }
  },

  // 32 bytes of third bits, 64 bytes of 2-bit quants, 12 bytes of 6-bit scales, d.
  Q3_K(view, at, out, to) {
    const d = half(view, at + 108)
    for (let i = 0; i < 256; i++) {
      const high = (view.getUint8(at + (i & 31)) >> (i >> 5)) & 1
      const q = twoBits(view, at + 32, i) - (high ? 0 : 4)
      out[to + i] = f(f(d * (scaleOfQ3K(view, at + 96, i >> 4) - 32)) * q)
    }
  },

  // d, dmin, 12 bytes of scales and minimums, 128 bytes of nibbles.
  Q4_K(view, at, out, to) {
    const d = half(view, at)
    const dmin = half(view, at + 2)
    for (let i = 0; i < 256; i++) {
      const [scale, min] = scaleAndMin(view, at + 4, i >> 5)
      const q = wideNibble(view, at + 16, i)
      out[to + i] = f(f(f(d * scale) * q) - f(dmin * min))
    }
  },

  // As Q4_K, with 32 bytes of fifth bits before the nibbles.
  Q5_K(view, at, out, to) {
    const d = half(view, at)
    const dmin = half(view, at + 2)
    for (let i = 0; i < 256; i++) {
      const [scale, min] = scaleAndMin(view, at + 4, i >> 5)
      const high = (view.getUint8(at + 16 + (i & 31)) >> (i >> 5)) & 1
      const q = wideNibble(view, at + 48, i) + 16 * high
      out[to + i] = f(f(f(d * scale) * q) - f(dmin * min))
    }
  },

  // 128 bytes of low nibbles, 64 bytes of upper 2 bits, 16 int8 scales, d.
  Q6_K(view, at, out, to) {
    const d = half(view, at + 208)
    for (let i = 0; i < 256; i++) {
      const within = i & 127
      const low = view.getUint8(at + 64 * (i >> 7) + (within & 63))
      const high = view.getUint8(at + 128 + 32 * (i >> 7) + (within & 31))
      const q = ((low >> (within < 64 ? 0 : 4)) & 15) | (((high >> (2 * (within >> 5))) & 3) << 4)
      out[to + i] = f(f(d * view.getInt8(at + 192 + (i >> 4))) * (q - 32))
    }
  }
}

function nibble(view: DataView, at: number, i: number): number {
  const byte = view.getUint8(at + (i & 15))
  return i < 16 ? byte & 15 : byte >> 4
}

/** Each 64 elements in 32 bytes: the first 32 in the low nibbles. */
function wideNibble(view: DataView, at: number, i: number): number {
  const byte = view.getUint8(at + 32 * (i >> 6) + (i & 31))
  return i & 32 ? byte >> 4 : byte & 15
}

/** Each 128 elements in 32 bytes: four of them 32 apart in one byte. */
function twoBits(view: DataView, at: number, i: number): number {
  return (view.getUint8(at + 32 * (i >> 7) + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3
}

/** Sixteen 6-bit scales: low nibbles in bytes 0 to 7, upper 2 bits in bytes 8 to 11. */
function scaleOfQ3K(view: DataView, at: number, i: number): number {
  const low = (view.getUint8(at + (i & 7)) >> (i < 8 ? 0 : 4)) & 15
  const high = (view.getUint8(at + 8 + (i & 3)) >> (2 * (i >> 2))) & 3
  return low | (high << 4)
}

function scaleAndMin(view: DataView, at: number, i: number): [number, number] {
  const byte = (index: number) => view.getUint8(at + index)
  if (i < 4) return [byte(i) & 63, byte(i + 4) & 63]
  return [
    (byte(i + 4) & 15) | ((byte(i - 4) >> 6) << 4),
    (byte(i + 4) >> 4) | ((byte(i) >> 6) << 4)
  ]
}
