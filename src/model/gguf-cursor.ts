// Reads the header of a model file from front to back: little-endian numbers, strings, arrays. Owns
// one window of the file, so a header of many megabytes never lies in memory twice and the tensor
// data is never touched. Checks every length against what the file really has before it allocates.
// Does not know which keys there are; gguf.ts asks in the order of the format.

import { SwarmError } from '../base/errors.ts'
import { GGUF_HEADER_BYTES_MAX } from '../base/limits.ts'
import type { ByteSource } from './byte-source.ts'

// One read of the disk. Larger windows only delay the first error of a file that is not a model.
const WINDOW_BYTES = 2 ** 20

export class GgufCursor {
  readonly #source: ByteSource
  #window: Uint8Array = new Uint8Array(0)
  #view = new DataView(this.#window.buffer)
  /** Offset in the file of the window's first byte. */
  #windowOffset = 0
  #at = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  get offset(): number {
    return this.#windowOffset + this.#at
  }

  /** Bytes between here and the end of the file. */
  get remaining(): number {
    return this.#source.sizeBytes - this.offset
  }

  /** Whether the next `length` bytes can be taken without waiting. */
  has(length: number): boolean {
    return this.#at + length <= this.#window.length
  }

  /**
   * Checks that `length` bytes from here are in the file and in the bound of a header, so that they may
   * be allocated.
   * @param what names the field in the error, such as `key 'general.name'`.
   * @throws MODEL_TRUNCATED, MODEL_TOO_LARGE
   */
  expect(length: number, what: string): void {
    if (length > this.remaining) {
      throw new SwarmError(
        'MODEL_TRUNCATED',
        `${what} needs ${length} bytes at byte ${this.offset}, but the file ends at byte ` +
          `${this.#source.sizeBytes}; it is cut off or damaged, fetch it again`
      )
    }
    if (this.offset + length > GGUF_HEADER_BYTES_MAX) {
      throw new SwarmError(
        'MODEL_TOO_LARGE',
        `${what} ends beyond the first ${GGUF_HEADER_BYTES_MAX} bytes, where the header of a model ` +
          `must end; the file is damaged`
      )
    }
  }

  /** Makes the next `length` bytes available to the methods below. Errors as of expect(). */
  async fill(length: number, what: string): Promise<void> {
    if (this.has(length)) return
    this.expect(length, what)
    const offset = this.offset
    this.#window = await this.#source.read(
      offset,
      Math.max(length, Math.min(WINDOW_BYTES, this.remaining))
    )
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.length)
    this.#windowOffset = offset
    this.#at = 0
  }

  /** Reads past the window, for the values of a large array. Errors as of expect(). */
  async readAhead(length: number, what: string): Promise<Uint8Array> {
    if (this.has(length)) return this.bytes(length).slice()
    this.expect(length, what)
    const bytes = await this.#source.read(this.offset, length)
    this.#windowOffset = this.offset + length
    this.#window = this.#window.subarray(0, 0)
    this.#at = 0
    return bytes
  }

  /** A view of the window; valid until the next fill. */
  bytes(length: number): Uint8Array {
    this.#at += length
    return this.#window.subarray(this.#at - length, this.#at)
  }

  u8(): number {
    return this.#view.getUint8(this.#move(1))
  }

  u32(): number {
    return this.#view.getUint32(this.#move(4), true)
  }

  /** Exact up to 2^53; larger values come out rounded, far above every bound they are held against. */
  u64(): number {
    const low = this.u32()
    return this.u32() * 2 ** 32 + low
  }

  #move(length: number): number {
    this.#at += length
    return this.#at - length
  }
}
