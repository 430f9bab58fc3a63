// Flow C: one block of a foreign knowledge bee, as Hyperbee 2 writes it: a protocol buffer of three byte
// strings (index, key, value). Read here rather than through Hyperbee, which keeps every node that it reads
// and takes for granted that its author was Hyperbee. Nothing but the one encoding is taken.

import { FACT_BLOCK_BYTES_MAX } from '../base/limits.ts'
import { badFrame, refuseAbove } from './fields.ts'

export interface BeeBlock {
  /** The part of the tree that the block changes; of no use here. */
  index: Uint8Array
  key: Uint8Array
  /** Hyperbee leaves it out where it deletes a key, which our authors never do. */
  value: Uint8Array
}

/** Tags of fields 1, 2 and 3, each a byte string (wire type 2). */
const TAGS = [10, 18, 26] as const

export function encodeBeeBlock({ index, key, value }: BeeBlock): Uint8Array {
  const parts = [index, key, value].flatMap((part, at) => {
    return [Buffer.from([TAGS[at] as number, ...varint(part.byteLength)]), part]
  })
  return new Uint8Array(Buffer.concat(parts))
}

/** @returns views into the bytes. @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export function decodeBeeBlock(bytes: Uint8Array): BeeBlock {
  refuseAbove(bytes.byteLength, FACT_BLOCK_BYTES_MAX, 'the bytes of a block')
  let at = 0
  const part = (tag: number): Uint8Array => {
    if (bytes[at++] !== tag) throw badFrame('a block of a knowledge bee has another layout')
    const sizeBytes = readVarint()
    if (sizeBytes > bytes.byteLength - at) throw badFrame('a block of a knowledge bee is cut short')
    at += sizeBytes
    return bytes.subarray(at - sizeBytes, at)
  }
  const readVarint = (): number => {
    let value = 0
    // Three bytes reach 2^21 - 1, far beyond the largest block.
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw badFrame('a block of a knowledge bee is cut short')
      value += (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw badFrame('a length is written longer than it need be')
        return value
      }
    }
    throw badFrame('a length in a block of a knowledge bee is too long')
  }
  const block = { index: part(TAGS[0]), key: part(TAGS[1]), value: part(TAGS[2]) }
  if (at !== bytes.byteLength) throw badFrame('a block of a knowledge bee goes on')
  return block
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return [...bytes, left]
}
