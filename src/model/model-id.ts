// A model is known by its bytes, never by its name: peers plan together only if their ids are equal.
// Owns the hashing of a file, in pieces between which other work goes on. The list of chunk hashes it
// makes is what a manifest for sharing weights will carry. Remembering ids is model-id-cache.ts.

import { createHash } from 'node:crypto'
import { abortError } from '../base/errors.ts'
import { toHex } from '../base/text.ts'
import type { ByteSource } from './byte-source.ts'

/** One hash each. 1 MiB takes a millisecond and a half to hash, so nothing else waits longer. */
export const CHUNK_BYTES = 2 ** 20
/** Bytes kept of each BLAKE2b-512 hash: 128 bits against collisions. */
export const HASH_BYTES = 32

const LABEL = 'swarm model 1\0'

export interface ChunkHashes {
  /** Bytes before the tensor data. */
  headerBytes: number
  sizeBytes: number
  /** HASH_BYTES for each chunk of the whole file, header included; the last chunk may be short. */
  hashes: Uint8Array
}

export interface HashOptions {
  onProgress?: (doneBytes: number, totalBytes: number) => void
  signal?: AbortSignal
}

/** @throws MODEL_TRUNCATED, MODEL_UNREADABLE; AbortError */
export async function hashChunks(
  source: ByteSource,
  headerBytes: number,
  { onProgress, signal }: HashOptions = {}
): Promise<ChunkHashes> {
  const { sizeBytes } = source
  const count = Math.ceil(sizeBytes / CHUNK_BYTES)
  const hashes = new Uint8Array(count * HASH_BYTES)
  const read = (index: number) =>
    source.read(index * CHUNK_BYTES, Math.min(CHUNK_BYTES, sizeBytes - index * CHUNK_BYTES))
  let next = count > 0 ? read(0) : null
  for (let index = 0; next; index++) {
    const bytes = await next
    if (signal?.aborted) throw abortError()
    // The disk reads ahead while this chunk is hashed.
    next = index + 1 < count ? read(index + 1) : null
    // A read that fails is reported when it is awaited; until then it must not count as unhandled.
    next?.catch(() => {})
    hashes.set(hash(bytes), index * HASH_BYTES)
    onProgress?.(Math.min((index + 1) * CHUNK_BYTES, sizeBytes), sizeBytes)
  }
  return { headerBytes, sizeBytes, hashes }
}

/** @returns 64 hex digits. */
export function modelIdOf({ headerBytes, sizeBytes, hashes }: ChunkHashes): string {
  const numbers = Buffer.alloc(16)
  numbers.writeBigUInt64LE(BigInt(headerBytes), 0)
  numbers.writeBigUInt64LE(BigInt(sizeBytes), 8)
  return toHex(hash(Buffer.from(LABEL), numbers, hashes))
}

function hash(...parts: Uint8Array[]): Uint8Array {
  const blake = createHash('blake2b512')
  for (const part of parts) blake.update(part)
  return blake.digest().subarray(0, HASH_BYTES)
}
