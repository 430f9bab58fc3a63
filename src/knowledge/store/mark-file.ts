// The high-water mark of one of our own logs: how long it was and which tree hash it had, and the blocks that
// were to be added to it next. A damaged database reopens shorter without an error, and a log that is then
// written otherwise than before is forked for good; this file, synced by itself before each append, is how
// we know. With the blocks in it, an append that a crash cut short is repeated, byte for byte, whether peers
// have heard of it or not. Two slots written in turn, each with a checksum, so that a write that was cut
// short leaves the one before. Compares nothing with the log (own-log.ts).

import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

import { fromHex, toHex } from '../../base/text.ts'
import { syncFolder } from './saved-file.ts'

/** The largest batch of blocks with what is around it; five facts of the largest size. */
const SLOT_BYTES = 256 * 2 ** 10
const MAGIC = 'swarm mark 1\0\0\0\0'
const SUM_BYTES = 16
const HASH_BYTES = 32
/** Magic, checksum, number, length, key, tree hash, count of blocks. */
const HEAD_BYTES = 16 + SUM_BYTES + 8 + 8 + 32 + HASH_BYTES + 4

/** Bytes of blocks that one mark holds, each with four more for its size. */
export const MARK_BLOCKS_BYTES_MAX = SLOT_BYTES - HEAD_BYTES
export const MARK_BLOCK_OVERHEAD_BYTES = 4

export interface Mark {
  /** Key of the log, 64 hex digits: a log made anew under the same name is another. */
  key: string
  /** What is in the log for certain. */
  length: number
  /** 32 bytes, of the tree of the first `length` blocks. */
  treeHash: Uint8Array
  /** What comes behind them, in the log already or not yet. */
  blocks: Uint8Array[]
}

export class MarkFile {
  readonly #file: FileHandle
  /** Of writes so far; its parity names the slot. */
  #number: number
  #last: Mark | null

  private constructor(file: FileHandle, number: number, last: Mark | null) {
    this.#file = file
    this.#number = number
    this.#last = last
  }

  /** Makes the file, at its full size, when there is none. */
  static async open(path: string): Promise<MarkFile> {
    await (await open(path, 'a', 0o600)).close()
    const file = await open(path, 'r+')
    try {
      const bytes = Buffer.alloc(2 * SLOT_BYTES)
      const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, 0)
      if (bytesRead < bytes.byteLength) {
        // Written before it is needed: a sync in place is quick, and never short of room on the disk.
        await file.write(Buffer.alloc(bytes.byteLength - bytesRead), 0, null, bytesRead)
        await file.sync()
        await syncFolder(dirname(path))
      }
      const slots = [bytes.subarray(0, SLOT_BYTES), bytes.subarray(SLOT_BYTES)].map(decodeSlot)
      const newest = slots.toSorted((a, b) => (b?.number ?? 0) - (a?.number ?? 0))[0] ?? null
      return new MarkFile(file, newest?.number ?? 0, newest?.mark ?? null)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Null when none was ever written, or none can be read. */
  get last(): Mark | null {
    return this.#last
  }

  /** On stable storage when it resolves. One writer at a time; blocks of MARK_BLOCKS_BYTES_MAX. */
  async write(mark: Mark): Promise<void> {
    const number = this.#number + 1
    const slot = encodeSlot(number, mark)
    await this.#file.write(slot, 0, slot.byteLength, (number % 2) * SLOT_BYTES)
    await this.#file.datasync()
    this.#number = number
    this.#last = mark
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function encodeSlot(number: number, { key, length, treeHash, blocks }: Mark): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(MAGIC, 'latin1')
  head.writeBigUInt64LE(BigInt(number), 32)
  head.writeBigUInt64LE(BigInt(length), 40)
  head.set(fromHex(key, 32) ?? Buffer.alloc(32), 48)
  head.set(treeHash, 80)
  head.writeUInt32LE(blocks.length, 112)
  const sized = blocks.flatMap((block) => {
    const size = Buffer.alloc(MARK_BLOCK_OVERHEAD_BYTES)
    size.writeUInt32LE(block.byteLength)
    return [size, block]
  })
  const slot = Buffer.concat([head, ...sized])
  slot.set(sumOf(slot), 16)
  return slot
}

function decodeSlot(slot: Buffer): { number: number; mark: Mark } | null {
  if (slot.toString('latin1', 0, 16) !== MAGIC) return null
  const blocks: Uint8Array[] = []
  let end = HEAD_BYTES
  for (let left = slot.readUInt32LE(112); left > 0; left--) {
    if (end + MARK_BLOCK_OVERHEAD_BYTES > slot.byteLength) return null
    const start = end + MARK_BLOCK_OVERHEAD_BYTES
    end = start + slot.readUInt32LE(end)
    blocks.push(new Uint8Array(slot.subarray(start, end)))
  }
  if (!sumOf(slot.subarray(0, end)).equals(slot.subarray(16, 16 + SUM_BYTES))) return null
  const mark = {
    key: toHex(slot.subarray(48, 80)),
    length: Number(slot.readBigUInt64LE(40)),
    treeHash: new Uint8Array(slot.subarray(80, 80 + HASH_BYTES)),
    blocks
  }
  return { number: Number(slot.readBigUInt64LE(32)), mark }
}

/** Over all but itself. */
function sumOf(slot: Buffer): Buffer {
  const hash = createHash('blake2b512').update(slot.subarray(0, 16))
  return hash
    .update(slot.subarray(16 + SUM_BYTES))
    .digest()
    .subarray(0, SUM_BYTES)
}
