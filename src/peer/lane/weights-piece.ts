// Blocks of weights <-> the pieces they travel in, so that nothing else waits for a whole block. A piece
// says how large its block is and where in it it belongs; pieces of one way come in order and blocks one
// after the other, so a receiver holds one block and nothing that was not announced by its size.
//
//   blockBytes u32, offset u32, both little-endian, then the bytes

import { SwarmError } from '../../base/errors.ts'
import { WEIGHTS_BLOCK_BYTES_MAX } from '../../base/limits.ts'

export const PIECE_HEADER_BYTES = 8

/** Writes the header of a piece into the first PIECE_HEADER_BYTES of `target`. */
export function writePieceHeader(target: Uint8Array, blockBytes: number, offset: number): void {
  const view = new DataView(target.buffer, target.byteOffset, PIECE_HEADER_BYTES)
  view.setUint32(0, blockBytes, true)
  view.setUint32(4, offset, true)
}

/** Puts the pieces of one way together again. */
export class BlockAssembly {
  #block: Uint8Array | null = null
  #filledBytes = 0

  /**
   * @param piece from the peer; copied.
   * @returns the block when this was its last piece, the caller's to keep; else null.
   * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE
   */
  take(piece: Uint8Array): Uint8Array | null {
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
    if (offset + sizeBytes > blockBytes) throw badPiece('goes on beyond the end of its block')
    if (this.#block !== null && this.#block.byteLength !== blockBytes) {
      throw badPiece(`is of a block of ${blockBytes} bytes, not ${this.#block.byteLength}`)
    }
    // Not cleared first, which costs as much as a copy: whoever gets it gets it filled.
    const block = this.#block ?? Buffer.allocUnsafeSlow(blockBytes)
    block.set(piece.subarray(PIECE_HEADER_BYTES), offset)
    this.#filledBytes = offset + sizeBytes
    this.#block = block
    if (this.#filledBytes < blockBytes) return null
    this.#block = null
    this.#filledBytes = 0
    return block
  }
}

function badPiece(what: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', `a piece of a block of weights ${what}`)
}
