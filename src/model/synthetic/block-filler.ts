// Random weights written directly as quantised blocks: the bits of the quants are random already,
// here each block gets scales with which its values are centred and have the wanted spread. Owns the
// place of scales and minimums in every supported block (ggml-common.h). Integers and exact IEEE
// operations only: the same seed gives the same bytes on every machine.

import { tensorTypeNamed, type SupportedType } from '../tensor-types.ts'
import { toBrain, toHalf } from './half.ts'

/** Turns random bytes, whole blocks of one type, into valid blocks in place. */
export type BlockFiller = (bytes: Uint8Array) => void

// A block's scale is one of 256 values from 3/4 to 5/4 of the middle one.
const SCALES = 256

/**
 * Standard deviation of a block's decoded values when its scale d is 1, over uniformly random quants
 * and sub-scales. Q4_0: quants -8 .. 7, sqrt of their mean square; Q4_1: 0 .. 15 less 7.5; K types:
 * the same times the root mean square of the sub-scales (0 .. 15, -32 .. 31, 0 .. 63, -128 .. 127).
 */
const SPREAD = {
  Q4_0: 4.637,
  Q4_1: 4.61,
  Q5_0: 9.247,
  Q5_1: 9.233,
  Q8_0: 73.9,
  Q2_K: 9.84,
  Q3_K: 43.34,
  Q4_K: 168.3,
  Q5_K: 337.2,
  Q6_K: 1365.7
}

/** @param std standard deviation of the decoded values, above 0. */
export function blockFiller(type: SupportedType, std: number): BlockFiller {
  switch (type) {
    case 'F32':
      return fillSingles(std)
    case 'F16':
      return fillByTable(std, toHalf)
    case 'BF16':
      return fillByTable(std, toBrain)
    case 'Q4_0':
    case 'Q5_0':
    case 'Q8_0':
      return scaled(type, std, 0)
    case 'Q4_1':
      return scaledWithMinimum(type, std, 0, 7.5)
    case 'Q5_1':
      return scaledWithMinimum(type, std, 0, 15.5)
    case 'Q3_K':
      return scaled(type, std, 108)
    case 'Q6_K':
      return scaled(type, std, 208)
    case 'Q2_K':
      return fillQ2K(std)
    case 'Q4_K':
      return fillWithSixBitScales(type, std, 7.5)
    case 'Q5_K':
      return fillWithSixBitScales(type, std, 15.5)
  }
}

/** Uniform over +-sqrt(3) std. */
function fillSingles(std: number): BlockFiller {
  const step = (std * 1.7320508) / 2 ** 31
  return (bytes) => {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    const singles = new Float32Array(words.buffer, words.byteOffset, words.length)
    for (let i = 0; i < words.length; i++) singles[i] = (words[i] as number) * step
  }
}

/** The same distribution, each random 16 bits looked up. */
function fillByTable(std: number, encode: (value: number) => number): BlockFiller {
  const step = (std * 1.7320508) / 2 ** 15
  const table = Uint16Array.from({ length: 2 ** 16 }, (_, i) => encode((i - 32767.5) * step))
  return (bytes) => {
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
    for (let i = 0; i < halves.length; i++) halves[i] = table[halves[i] as number] as number
  }
}

/** @param factor the whole table is multiplied by it: 1 for scales, more for minimums. */
function scaleTable(type: keyof typeof SPREAD, std: number, factor = 1): Uint16Array {
  const middle = (std / SPREAD[type]) * factor
  return Uint16Array.from({ length: SCALES }, (_, i) => toHalf(middle * (0.75 + i / (2 * SCALES))))
}

/** One scale of either sign: the quants lie half a step off zero, the signs even that out. */
function scaled(type: keyof typeof SPREAD, std: number, at: number): BlockFiller {
  const stride = tensorTypeNamed(type).bytesPerBlock
  const table = scaleTable(type, std)
  return (bytes) => {
    for (let block = at; block < bytes.length; block += stride) {
      const scale = table[bytes[block] as number] as number
      const sign = (bytes[block + 1] as number) & 0x80
      bytes[block] = scale & 0xff
      bytes[block + 1] = (scale >>> 8) | sign
    }
  }
}

/** Scale and minimum of opposite signs: value = d * quant + m. */
function scaledWithMinimum(
  type: keyof typeof SPREAD,
  std: number,
  at: number,
  middle: number
): BlockFiller {
  const stride = tensorTypeNamed(type).bytesPerBlock
  const scales = scaleTable(type, std)
  const minimums = scaleTable(type, std, middle)
  return (bytes) => {
    for (let block = at; block < bytes.length; block += stride) {
      const index = bytes[block] as number
      const sign = (bytes[block + 1] as number) & 0x80
      const scale = scales[index] as number
      const minimum = minimums[index] as number
      bytes[block] = scale & 0xff
      bytes[block + 1] = (scale >>> 8) | sign
      bytes[block + 2] = minimum & 0xff
      bytes[block + 3] = (minimum >>> 8) | (sign ^ 0x80)
    }
  }
}

/** Scale, then minimum, both positive: value = d * sub * quant - dmin * subMin. */
function putScales(
  bytes: Uint8Array,
  at: number,
  scales: Uint16Array,
  minimums: Uint16Array
): void {
  const index = bytes[at] as number
  const scale = scales[index] as number
  const minimum = minimums[index] as number
  bytes[at] = scale & 0xff
  bytes[at + 1] = scale >>> 8
  bytes[at + 2] = minimum & 0xff
  bytes[at + 3] = minimum >>> 8
}

/** 16 sub-scales in the low nibbles, their minimums in the high ones: equal, or one apart. */
function fillQ2K(std: number): BlockFiller {
  const stride = tensorTypeNamed('Q2_K').bytesPerBlock
  const scales = scaleTable('Q2_K', std)
  const minimums = scaleTable('Q2_K', std, 1.5)
  return (bytes) => {
    for (let block = 0; block < bytes.length; block += stride) {
      for (let at = block; at < block + 16; at++) {
        const random = bytes[at] as number
        const sub = random & 0xf
        bytes[at] = sub | ((sub ^ ((random >>> 4) & 1)) << 4)
      }
      putScales(bytes, block + 80, scales, minimums)
    }
  }
}

/**
 * 8 sub-scales and 8 minimums of 6 bits in 12 bytes: bytes 0 to 3 hold scales 0 to 3 (low 6 bits) and
 * the top of scales 4 to 7, bytes 4 to 7 the same of the minimums, bytes 8 to 11 the low nibbles of
 * scales and minimums 4 to 7. Each minimum is made equal to its scale, or one apart.
 */
function fillWithSixBitScales(type: 'Q4_K' | 'Q5_K', std: number, middle: number): BlockFiller {
  const stride = tensorTypeNamed(type).bytesPerBlock
  const scales = scaleTable(type, std)
  const minimums = scaleTable(type, std, middle)
  return (bytes) => {
    for (let block = 0; block < bytes.length; block += stride) {
      putScales(bytes, block, scales, minimums)
      for (let at = block + 4; at < block + 8; at++) {
        const random = bytes[at + 8] as number
        const nibble = random & 0xf
        bytes[at + 4] = (bytes[at] as number) ^ (((bytes[at + 4] as number) >>> 3) & 1)
        bytes[at + 8] = nibble | ((nibble ^ ((random >>> 4) & 1)) << 4)
      }
    }
  }
}
