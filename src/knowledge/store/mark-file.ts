// The high-water mark of one of our own logs: how long it was, and which tree hash it had, when its last
// entry was acknowledged. A damaged database reopens shorter without an error, and a log that is then
// appended to is forked for good; this file, synced by itself, is how we know. Two slots written in turn,
// each with a checksum, so that a write that was cut short leaves the one before. Compares nothing.

import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

import { fromHex, toHex } from '../../base/text.ts'
import { syncFolder } from './saved-file.ts'

/** One sector, the most that a disk promises to write whole. */
const SLOT_BYTES = 512
const MAGIC = 'swarm mark 1\0\0\0\0'
const HASH_BYTES = 32
/** Magic, number, length, key, tree hash; the checksum follows. */
const BODY_BYTES = 16 + 8 + 8 + 32 + HASH_BYTES
const SUM_BYTES = 16

export interface Mark {
  /** Key of the log, 64 hex digits: a log made anew under the same name is another. */
  key: string
  length: number
  /** 32 bytes, of the tree of the first `length` blocks. */
  treeHash: Uint8Array
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
    const file = await open(path, 'a+', 0o600).then(async (made) => {
      await made.close()
      return open(path, 'r+')
    })
    try {
      const bytes = Buffer.alloc(2 * SLOT_BYTES)
      const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, 0)
      if (bytesRead < bytes.byteLength) {
        // Written before it is needed, so that no mark is ever short of room on the disk.
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

  /** On stable storage when it resolves. One writer at a time. */
  async write(mark: Mark): Promise<void> {
    const number = this.#number + 1
    await this.#file.write(encodeSlot(number, mark), 0, SLOT_BYTES, (number % 2) * SLOT_BYTES)
    await this.#file.datasync()
    this.#number = number
    this.#last = mark
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function encodeSlot(number: number, { key, length, treeHash }: Mark): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES)
  slot.write(MAGIC, 'latin1')
  slot.writeBigUInt64LE(BigInt(number), 16)
  slot.writeBigUInt64LE(BigInt(length), 24)
  slot.set(fromHex(key, 32) ?? Buffer.alloc(32), 32)
  slot.set(treeHash, 64)
  slot.set(sumOf(slot), BODY_BYTES)
  return slot
}

function decodeSlot(slot: Buffer): { number: number; mark: Mark } | null {
  const sum = slot.subarray(BODY_BYTES, BODY_BYTES + SUM_BYTES)
  if (slot.toString('latin1', 0, 16) !== MAGIC || !sumOf(slot).equals(sum)) return null
  const mark = {
    key: toHex(slot.subarray(32, 64)),
    length: Number(slot.readBigUInt64LE(24)),
    treeHash: new Uint8Array(slot.subarray(64, 64 + HASH_BYTES))
  }
  return { number: Number(slot.readBigUInt64LE(16)), mark }
}

function sumOf(slot: Buffer): Buffer {
  const digest = createHash('blake2b512').update(slot.subarray(0, BODY_BYTES)).digest()
  return digest.subarray(0, SUM_BYTES)
}
