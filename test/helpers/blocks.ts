// Rows of quantised blocks with random content and with every extreme that a format allows, for
// comparing kernels. Only the f16 fields are kept finite: a scale that is Inf or NaN makes NaNs, whose
// bits no rule fixes, and the engine refuses such results anyway.

import { below, seededRandom } from '../../src/base/random.ts'
import { tensorTypeNamed, type SupportedType } from '../../src/model/tensor-types.ts'

/** Byte offsets of the f16 fields of one block. */
const HALVES: Record<SupportedType, number[]> = {
  F32: [],
  F16: [],
  BF16: [],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208]
}

export const QUANTISED = Object.keys(HALVES).filter((name) => !/^B?F/.test(name)) as SupportedType[]
export const FLOATS: SupportedType[] = ['F32', 'F16', 'BF16']

export type Content = 'random' | 'ones' | 'zeros'

/**
 * @param content of the packed integers: random bits, all bits set or none.
 * @returns rows * cols values in `type`, row-major as in a file.
 */
export function makeRows(
  type: SupportedType,
  rows: number,
  cols: number,
  seed: number,
  content: Content = 'random'
): Uint8Array {
  const { blockLength, bytesPerBlock } = tensorTypeNamed(type)
  const random = seededRandom(seed)
  const bytes = new Uint8Array((rows * cols * bytesPerBlock) / blockLength)
  const view = new DataView(bytes.buffer)
  if (type === 'F32') {
    for (let at = 0; at < bytes.length; at += 4) {
      view.setFloat32(at, (random.uint32() / 2 ** 31 - 1) * 10 ** (below(random, 5) - 3), true)
    }
    return bytes
  }
  if (content !== 'random') bytes.fill(content === 'ones' ? 0xff : 0)
  else for (let at = 0; at < bytes.length; at++) bytes[at] = random.uint32() >>> 24
  if (type === 'F16' || type === 'BF16') {
    for (let at = 0; at < bytes.length; at += 2)
      view.setUint16(at, finite16(type, random.uint32()), true)
    return bytes
  }
  for (let block = 0; block < bytes.length; block += bytesPerBlock) {
    for (const at of HALVES[type])
      view.setUint16(block + at, finite16('F16', random.uint32()), true)
  }
  return bytes
}

/** Any sign, normal numbers up to about 8, subnormals and zero. */
function finite16(type: 'F16' | 'BF16', bits: number): number {
  if (type === 'BF16') return ((bits & 0x8000) | ((bits >>> 16) & 0x3fff)) + 0x100
  return (bits & 0x8000) | ((bits >>> 16) % 0x4800)
}
