// Flow A, keys and values on disk: the frame around the pieces of one saved session (docs/kv-format.md says
// what the bytes are). Owns the header, which names what the file is of, and the chain of checksums, by which
// a piece that is damaged, missing or of another file is known before it is used. Touches no disk
// (kv-store.ts) and no cache (kv-piece.ts).

import { createHash } from 'node:crypto'

import { SwarmError } from '../base/errors.ts'
import { KV_PIECE_BYTES_MAX } from '../base/limits.ts'
import { fromHex } from '../base/text.ts'
import { KV_TYPES, type KvType } from '../wire/session.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'

/** What one file is of; every part of it must agree before a piece is read. */
export interface SavedKv {
  /** By which the origin asks for it again. */
  name: SessionId
  /** Whose session it was: nobody else gets it. */
  origin: PeerId
  /** 64 hex digits. */
  modelId: string
  /** sessionArithmetic() of the session. */
  arithmetic: number
  kvType: KvType
  layers: LayerRange
}

export const KV_FILE_HEADER_BYTES = 136
/** In front of each piece: its size and its checksum. */
export const KV_FRAME_BYTES = 36

const MAGIC = 0x464b5753 // 'SWKF' as it lies in the file
const FORMAT_VERSION = 1
const SUM_BYTES = 32
const SUM_OFFSET = KV_FILE_HEADER_BYTES - SUM_BYTES

/** The first bytes of a file. @throws STORE_UNREADABLE when a name, key or id is not hexadecimal. */
export function encodeKvFileHeader(saved: SavedKv): Uint8Array {
  const { name, origin, modelId, arithmetic, kvType, layers } = saved
  const header = Buffer.alloc(KV_FILE_HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(FORMAT_VERSION, 4)
  header.writeUInt16LE(KV_TYPES.indexOf(kvType), 6)
  header.writeUInt32LE(arithmetic, 8)
  header.writeUInt32LE(layers.start, 12)
  header.writeUInt32LE(layers.end, 16)
  const texts: [string, number, number][] = [
    [name, 16, 24],
    [origin, 32, 40],
    [modelId, 32, 72]
  ]
  for (const [text, sizeBytes, offset] of texts) {
    const bytes = fromHex(text, sizeBytes)
    if (bytes === null) throw damaged(`${sizeBytes} bytes of hexadecimal are needed`)
    header.set(bytes, offset)
  }
  header.set(sumOf(header.subarray(0, SUM_OFFSET)), SUM_OFFSET)
  return header
}

/**
 * Whether a file is what is asked for.
 * @param bytes KV_FILE_HEADER_BYTES, or fewer where the file is shorter.
 * @throws STORE_UNREADABLE as DamagedKv when they are damaged, else because they are of something else.
 */
export function checkKvFileHeader(expected: SavedKv, bytes: Uint8Array): void {
  if (bytes.byteLength < KV_FILE_HEADER_BYTES) throw damaged('the file ends within its header')
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, KV_FILE_HEADER_BYTES)
  if (header.readUInt32LE(0) !== MAGIC) throw damaged('the file does not begin as it must')
  if (!sumOf(header.subarray(0, SUM_OFFSET)).equals(header.subarray(SUM_OFFSET))) {
    throw damaged('the checksum of the header is wrong')
  }
  if (header.equals(encodeKvFileHeader(expected))) return
  const what = 'of another model, arithmetic, format or origin'
  throw new SwarmError('STORE_UNREADABLE', `saved keys and values are ${what}: computed anew`)
}

/** Frames of one file, in order: each checksum covers the one before, and so all before it. */
export class KvFrames {
  #sum: Uint8Array

  /** @param header as encoded, or as read and checked. */
  constructor(header: Uint8Array) {
    this.#sum = header.slice(SUM_OFFSET, KV_FILE_HEADER_BYTES)
  }

  /** What comes in front of a piece; an empty one ends the file. */
  encode(piece: Uint8Array): Uint8Array {
    const frame = Buffer.alloc(KV_FRAME_BYTES)
    frame.writeUInt32LE(piece.byteLength, 0)
    this.#sum = sumOf(this.#sum, frame.subarray(0, 4), piece)
    frame.set(this.#sum, 4)
    return frame
  }

  /** Bytes of the piece behind this frame. @throws STORE_UNREADABLE before they are allocated. */
  sizeOf(frame: Uint8Array, leftBytes: number): number {
    if (frame.byteLength < KV_FRAME_BYTES) throw damaged('the file ends too early')
    const sizeBytes = Buffer.from(frame.buffer, frame.byteOffset, 4).readUInt32LE(0)
    if (sizeBytes > Math.min(KV_PIECE_BYTES_MAX, leftBytes)) {
      throw damaged(`a piece of ${sizeBytes} bytes does not fit the file`)
    }
    return sizeBytes
  }

  /** @throws STORE_UNREADABLE when the piece is not what was written at this place. */
  check(frame: Uint8Array, piece: Uint8Array): void {
    this.#sum = sumOf(this.#sum, frame.subarray(0, 4), piece)
    if (Buffer.compare(this.#sum, frame.subarray(4, KV_FRAME_BYTES)) !== 0) {
      throw damaged('the checksum of a piece is wrong')
    }
  }
}

/** The file is of no use to anybody any more. */
export class DamagedKv extends SwarmError {
  constructor(why: string) {
    super('STORE_UNREADABLE', `saved keys and values are damaged (${why}): computed anew`)
  }
}

function damaged(why: string): DamagedKv {
  return new DamagedKv(why)
}

function sumOf(...parts: Uint8Array[]): Buffer {
  const hash = createHash('blake2b512')
  for (const part of parts) hash.update(part)
  return hash.digest().subarray(0, SUM_BYTES)
}
