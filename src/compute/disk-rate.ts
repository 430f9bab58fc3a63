// Flow C: how fast this machine reads a large file from its disk, past the cache of the system, as loading
// layers will. Reads a little of the model's own file and writes nothing. Does not say how fast the same
// bytes come a second time, from memory.

import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

import { systemClock, type Clock } from '../base/clock.ts'

/** A disk that needs longer for its first answers is slow enough to be called so. */
const READ_MS = 200
/** Read at most: more changes the figure of the fastest disk by less than a step. */
const READ_BYTES_MAX = 512 * 2 ** 20
/** Bytes of one read, whole blocks of any disk, and reads at once: what loading has under way. */
const PIECE_BYTES = 2 ** 20
const READERS = 4
const WASM_PAGE_BYTES = 2 ** 16

/**
 * Bytes per second, or null: the file is too small to tell, cannot be read, or this system or file system
 * has no reads past its cache.
 */
export async function measureDisk(
  path: string,
  clock: Clock = systemClock
): Promise<number | null> {
  // Absent where the system has no such flag.
  const direct: number | undefined = constants.O_DIRECT
  if (direct === undefined) return null
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | direct)
  } catch {
    return null // Whoever needs the file says what is wrong with it.
  }
  try {
    return await readSome(file, clock)
  } catch {
    return null
  } finally {
    await file.close()
  }
}

async function readSome(file: FileHandle, clock: Clock): Promise<number | null> {
  const { size } = await file.stat()
  const nPieces = Math.floor(size / PIECE_BYTES)
  if (nPieces < READERS) return null
  const pages = (READERS * PIECE_BYTES) / WASM_PAGE_BYTES
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: pages }).buffer)
  const startedMs = clock.now()
  // Evenly over the file and each piece once: what a disk has in its own cache is not read twice.
  const stride = Math.max(1, Math.floor(nPieces / (READ_BYTES_MAX / PIECE_BYTES)))
  let piece = 0
  let readBytes = 0
  const reader = async (index: number) => {
    const target = memory.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES)
    while (piece < nPieces && clock.now() - startedMs < READ_MS) {
      const at = piece * PIECE_BYTES
      piece += stride
      const { bytesRead } = await file.read(target, 0, PIECE_BYTES, at)
      readBytes += bytesRead
    }
  }
  await Promise.all(Array.from({ length: READERS }, (_, index) => reader(index)))
  const seconds = Math.max(0.001, (clock.now() - startedMs) / 1000)
  return Math.floor(readBytes / seconds)
}
