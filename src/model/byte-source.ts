// Flow C, the lowest step: bytes of a model by offset, from a file or from memory. Owns the file
// handle and the facts that show later that the file was replaced. Knows nothing of what the bytes
// mean and maps nothing, so a file that shrinks meanwhile is an error here and never a crash.

import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'

export interface ByteSource {
  readonly sizeBytes: number
  /**
   * @returns exactly `length` bytes from `offset`; the caller may keep and change them.
   * @throws MODEL_TRUNCATED when the source ends before, MODEL_UNREADABLE when the disk fails.
   */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** What tells one state of a file from the next without reading it. */
export interface FileFacts {
  readonly sizeBytes: number
  /** Time of the last change, nanoseconds since 1970. */
  readonly mtimeNs: bigint
  readonly inode: bigint
}

export function bufferSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.byteLength,
    read(offset, length) {
      if (offset + length > bytes.byteLength) {
        return Promise.reject(endsBefore(offset + length, bytes.byteLength))
      }
      return Promise.resolve(new Uint8Array(bytes.subarray(offset, offset + length)))
    },
    close: () => Promise.resolve()
  }
}

export class FileSource implements ByteSource {
  readonly path: string
  readonly facts: FileFacts
  readonly #handle: FileHandle
  #closed = false

  private constructor(path: string, handle: FileHandle, facts: FileFacts) {
    this.path = path
    this.#handle = handle
    this.facts = facts
  }

  /** @throws MODEL_NOT_FOUND (also for what is not a file), MODEL_UNREADABLE */
  static async open(path: string): Promise<FileSource> {
    // Not blocking: a pipe without a writer would wait for one for good.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK
    const handle = await open(path, flags).catch((error: unknown) => {
      throw openError(path, error)
    })
    try {
      const stat = await handle.stat({ bigint: true })
      if (!stat.isFile()) {
        const kind = stat.isDirectory() ? 'a directory; name the .gguf file in it' : 'not a file'
        throw new SwarmError('MODEL_NOT_FOUND', `${shown(path)} is ${kind}`)
      }
      const { size, mtimeNs, ino } = stat
      return new FileSource(path, handle, { sizeBytes: Number(size), mtimeNs, inode: ino })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  get sizeBytes(): number {
    return this.facts.sizeBytes
  }

  /** Whether the open file is still as long and as old as when it was opened. */
  async isUnchanged(): Promise<boolean> {
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true })
    return Number(size) === this.sizeBytes && mtimeNs === this.facts.mtimeNs
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset + length > this.sizeBytes) throw endsBefore(offset + length, this.sizeBytes)
    const bytes = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#handle
        .read(bytes, done, length - done, offset + done)
        .catch((error: unknown) => {
          throw unreadable(this.path, error)
        })
      if (bytesRead === 0) throw endsBefore(offset + length, offset + done)
      done += bytesRead
    }
    return bytes
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }
}

function endsBefore(wanted: number, sizeBytes: number): SwarmError {
  return new SwarmError(
    'MODEL_TRUNCATED',
    `the file ends at byte ${sizeBytes}, before byte ${wanted}; it is cut off, fetch it again`
  )
}

function openError(path: string, error: unknown): SwarmError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new SwarmError('MODEL_NOT_FOUND', `there is no file ${shown(path)}; check the path`)
  }
  return unreadable(path, error)
}

function unreadable(path: string, cause: unknown): SwarmError {
  const text = cause instanceof Error ? cause.message : String(cause)
  return new SwarmError('MODEL_UNREADABLE', `cannot read ${shown(path)}: ${clip(text, 200)}`, {
    cause
  })
}

function shown(path: string): string {
  return `'${clip(path, 300)}'`
}
