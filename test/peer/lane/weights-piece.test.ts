import test from 'brittle'

import { SwarmError } from '../../../src/base/errors.ts'
import { WEIGHTS_BLOCK_BYTES_MAX, WEIGHTS_PIECE_BYTES_MIN } from '../../../src/base/limits.ts'
import { seededRandom } from '../../../src/base/random.ts'
import {
  BlockAssembly,
  type BlockParts,
  PIECE_HEADER_BYTES,
  writePieceHeader
} from '../../../src/peer/lane/weights-piece.ts'

function piece(blockBytes: number, offset: number, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(PIECE_HEADER_BYTES + bytes.byteLength)
  writePieceHeader(whole, blockBytes, offset)
  whole.set(bytes, PIECE_HEADER_BYTES)
  return whole
}

function refusal(assembly: BlockAssembly, bytes: Uint8Array): string | null {
  try {
    assembly.take(bytes)
    return null
  } catch (error) {
    return error instanceof SwarmError ? error.code : `foreign ${String(error)}`
  }
}

test('weights piece - blocks of any size in pieces of any size come out as they were', (t) => {
  const random = seededRandom(3)
  const assembly = new BlockAssembly()
  for (const [blockBytes, pieceBytes] of [
    [1, 1],
    [4096, 4096],
    [70_000, 8192],
    [300_000, 100_000],
    [WEIGHTS_BLOCK_BYTES_MAX, 2 ** 18]
  ] as const) {
    const block = random.bytes(blockBytes)
    let out: BlockParts | null = null
    for (let offset = 0; offset < blockBytes; offset += pieceBytes) {
      t.is(out, null)
      out = assembly.take(piece(blockBytes, offset, block.subarray(offset, offset + pieceBytes)))
    }
    t.is(Buffer.compare(Buffer.concat(out ?? []), block), 0)
  }
})

test('weights piece - the header stays what it is on the wire', (t) => {
  t.alike([...piece(0x01020304, 0x0a0b0c, new Uint8Array([9]))], [4, 3, 2, 1, 0xc, 0xb, 0xa, 0, 9])
})

test('weights piece - cut short at every byte of its header it is refused', (t) => {
  const whole = piece(4, 0, new Uint8Array(4))
  for (let sizeBytes = 0; sizeBytes <= PIECE_HEADER_BYTES; sizeBytes++) {
    t.is(refusal(new BlockAssembly(), whole.subarray(0, sizeBytes)), 'WIRE_BAD_FRAME')
  }
})

test('weights piece - a size above the bound is refused before memory is reserved for it', (t) => {
  const one = new Uint8Array(WEIGHTS_PIECE_BYTES_MIN)
  t.is(refusal(new BlockAssembly(), piece(WEIGHTS_BLOCK_BYTES_MAX, 0, one)), null)
  const before = process.memoryUsage().arrayBuffers
  for (const blockBytes of [WEIGHTS_BLOCK_BYTES_MAX + 1, 2 ** 32 - 1]) {
    t.is(refusal(new BlockAssembly(), piece(blockBytes, 0, one)), 'WIRE_TOO_LARGE')
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 20)
})

test('weights piece - out of place, out of order or of another block it is refused', (t) => {
  const two = new Uint8Array(WEIGHTS_PIECE_BYTES_MIN)
  const size = two.byteLength
  const table: [string, Uint8Array[]][] = [
    ['a first piece that is not the first', [piece(5 * size, size, two)]],
    ['a gap', [piece(5 * size, 0, two), piece(5 * size, 2 * size, two)]],
    ['the same twice', [piece(5 * size, 0, two), piece(5 * size, 0, two)]],
    ['beyond the end', [piece(2 * size - 1, 0, two), piece(2 * size - 1, size, two)]],
    ['a block without a byte', [piece(0, 0, two)]],
    ['another size in the middle', [piece(5 * size, 0, two), piece(4 * size, size, two)]],
    ['a crumb in the middle', [piece(5 * size, 0, two), piece(5 * size, size, two.subarray(1))]]
  ]
  for (const [name, pieces] of table) {
    const assembly = new BlockAssembly()
    for (const good of pieces.slice(0, -1)) t.is(refusal(assembly, good), null)
    t.is(refusal(assembly, pieces.at(-1) as Uint8Array), 'WIRE_BAD_FRAME', name)
  }
})

test('weights piece - what is kept is no more than what was sent, however small the pieces are', (t) => {
  const assembly = new BlockAssembly()
  const blockBytes = 2 ** 20
  let out: BlockParts | null = null
  for (let offset = 0; offset < blockBytes; offset += WEIGHTS_PIECE_BYTES_MIN) {
    // As a socket hands it over: a view of all that it has read.
    const read = new Uint8Array(2 ** 16)
    read.set(piece(blockBytes, offset, new Uint8Array(WEIGHTS_PIECE_BYTES_MIN)))
    out = assembly.take(read.subarray(0, PIECE_HEADER_BYTES + WEIGHTS_PIECE_BYTES_MIN))
  }
  const kept = (out ?? []).reduce((sum, part) => sum + part.buffer.byteLength, 0)
  t.is(kept, blockBytes)
  t.is(out?.length, blockBytes / WEIGHTS_PIECE_BYTES_MIN)
})
