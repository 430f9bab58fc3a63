// Blocks of weights <-> the pieces they travel in, so that nothing else waits for a whole block. A piece
// says how large its block is and where in it it belongs; pieces of one way come in order and blocks one
// after the other, so a receiver holds one block and nothing that was not announced by its size.
//
//   blockBytes u32, offset u32, both little-endian, then the bytes

import { SwarmError } from '../../base/errors.ts'
import { WEIGHTS_BLOCK_BYTES_MAX, WEIGHTS_PIECE_BYTES_MIN } from '../../base/limits.ts'

export const PIECE_HEADER_BYTES = 8

/** Writes the header of a piece into the first PIECE_HEADER_BYTES of `target`. */
export function writePieceHeader(target: Uint8Array, blockBytes: number, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset, PIECE_HEADER_BYTES)
  view.setUint32(0, blockBytes, true)
  view.setUint32(4, offset, true)
}

/** The bytes of a block in order, in the parts that they came in: to hash and write them needs no copy. */
export type BlockParts = readonly Uint8Array[]

/**
 * Below this a piece may lie inside a larger buffer of its socket (which reads 64 KiB at a time) and would
 * keep all of it alive; above, it is a buffer of its own.
 */
const OWN_BUFFER_BYTES = 2 ** 16

/** Puts the pieces of one way together again, without a copy where they are large. */
export class BlockAssembly {
  #parts: Uint8Array[] = []
  #blockBytes = 0
  #filledBytes = 0

  /**
   * @param piece from the peer; kept as it is when it is large.
   * @returns the block when this was its last piece, the caller's to keep; else null.
   * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE
   */
  take(piece: Uint8Array): BlockParts | null {
    const sizeBytes = piece.byteLength - PIECE_HEADER_BYTES
    if (sizeBytes < 1) throw badPiece(`has ${piece.byteLength} bytes, not even its header and one`)
    const view = new DataView(piece.buffer, piece.byteOffset, PIECE_HEADER_BYTES)
    const blockBytes = view.getUint32(0, true)
    const offset = view.getUint32(4, true)
    if (blockBytes > WEIGHTS_BLOCK_BYTES_MAX) {
      const text = `a block of weights has ${blockBytes} bytes, more than ${WEIGHTS_BLOCK_BYTES_MAX}`
      throw new SwarmError('WIRE_TOO_LARGE', text)
    }
    if (offset !== this.#filledBytes) {
      throw badPiece(`begins at ${offset} where ${this.#filledBytes} comes next`)
    }
    const endBytes = offset + sizeBytes
    if (endBytes > blockBytes) throw badPiece('goes on beyond the end of its block')
    if (endBytes < blockBytes && sizeBytes < WEIGHTS_PIECE_BYTES_MIN) {
      throw badPiece(`has ${sizeBytes} bytes and is not its last`)
    }
    if (offset > 0 && this.#blockBytes !== blockBytes) {
      throw badPiece(`is of a block of ${blockBytes} bytes, not ${this.#blockBytes}`)
    }
    const bytes = piece.subarray(PIECE_HEADER_BYTES)
    this.#parts.push(sizeBytes < OWN_BUFFER_BYTES ? new Uint8Array(bytes) : bytes)
    this.#blockBytes = blockBytes
    this.#filledBytes = endBytes
    if (endBytes < blockBytes) return null
    const parts = this.#parts
    this.#parts = []
    this.#filledBytes = 0
    return parts
  }
}

function badPiece(what: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', `a piece of a block of weights ${what}`)
}
