// Makes a model out of a spec: a GGUF file with random weights that llama.cpp loads too. Owns the
// random stream of each tensor and the writing of the file, in pieces, so that memory stays small
// whatever the model. Used by `swarm demo`, the tests and the bench; spec.ts says what such a model is
// good for, model-plan.ts what is in it.

import { open, rename, unlink, type FileHandle } from 'node:fs/promises'
import { SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import type { GgufTensor } from '../gguf.ts'
import { tensorTypeNamed } from '../tensor-types.ts'
import { blockFiller, type BlockFiller } from './block-filler.ts'
import { planModel, type ModelPlan, type PlannedTensor } from './model-plan.ts'
import { RandomWords } from './random-words.ts'
import type { SyntheticSpec } from './spec.ts'

// Bytes made and written at once. Part of the format: another size draws other random bits.
const PIECE_BYTES = 2 ** 20

// Rows of tokens that are not words are this much smaller, so that their logits stay near zero and a
// sampled text consists of words.
const RARE_ROW_FACTOR = 1 / 8

export interface WriteModelOptions {
  onProgress?: (doneBytes: number, totalBytes: number) => void
  signal?: AbortSignal
}

/**
 * Writes the model beside `path` and renames it into place, so `path` never holds half a model.
 * @throws USAGE_BAD_VALUE, STORE_FULL, STORE_UNREADABLE; AbortError
 */
export async function writeSyntheticModel(
  path: string,
  spec: SyntheticSpec,
  options: WriteModelOptions = {}
): Promise<void> {
  const plan = planModel(spec)
  const partPath = `${path}.part`
  try {
    const handle = await open(partPath, 'w')
    try {
      await writePlan(handle, plan, spec.seed, options)
    } finally {
      await handle.close()
    }
    await rename(partPath, path)
  } catch (error) {
    // The first error is the one to report; a part that was never made need not be removed.
    await unlink(partPath).catch(() => {})
    throw storeError(path, error)
  }
}

/** Bytes of the file that writeSyntheticModel would make. */
export function syntheticModelBytes(spec: SyntheticSpec): number {
  return planModel(spec).header.sizeBytes
}

async function writePlan(
  handle: FileHandle,
  { header, tensors }: ModelPlan,
  seed: number,
  { onProgress, signal }: WriteModelOptions
): Promise<void> {
  await writeAt(handle, header.bytes, 0)
  const words = new Uint32Array(PIECE_BYTES / 4)
  for (const [index, tensor] of tensors.entries()) {
    const { offsetBytes, sizeBytes } = header.tensors[index] as GgufTensor
    // An odd multiplier keeps the streams of different tensors apart.
    const random = new RandomWords((seed + Math.imul(index + 1, 0x9e3779b1)) >>> 0)
    let done = 0
    for (const piece of pieces(tensor, sizeBytes)) {
      signal?.throwIfAborted()
      random.draw(words.subarray(0, Math.ceil(piece.sizeBytes / 4)))
      const bytes = new Uint8Array(words.buffer, 0, piece.sizeBytes)
      piece.toWeights(bytes)
      if (tensor.shape.length === 1) shapeVector(tensor, bytes)
      await writeAt(handle, bytes, offsetBytes + done)
      done += bytes.length
      onProgress?.(offsetBytes + done, header.sizeBytes)
    }
  }
  await handle.truncate(header.sizeBytes)
  onProgress?.(header.sizeBytes, header.sizeBytes)
}

/** The system may write less than it was given when the disk is nearly full. */
async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done)
    done += bytesWritten
  }
}

interface Piece {
  toWeights: BlockFiller
  sizeBytes: number
}

/** Whole blocks each, none across the border between rare and full rows. */
function* pieces(tensor: PlannedTensor, sizeBytes: number): Generator<Piece> {
  const { type, std, firstFullRow } = tensor
  const rareFiller = firstFullRow > 0 ? blockFiller(type, std * RARE_ROW_FACTOR) : null
  const fullFiller = blockFiller(type, std)
  const rareBytes = (sizeBytes / (tensor.shape[1] ?? 1)) * firstFullRow
  const { bytesPerBlock } = tensorTypeNamed(type)
  const most = Math.floor(PIECE_BYTES / bytesPerBlock) * bytesPerBlock
  for (let at = 0; at < sizeBytes;) {
    const rare = rareFiller !== null && at < rareBytes
    const size = Math.min(most, (rare ? rareBytes : sizeBytes) - at)
    yield { toWeights: rare ? rareFiller : fullFiller, sizeBytes: size }
    at += size
  }
}

/**
 * Vectors are F32: shifts their mean, or makes the ramp of rope_freqs (1 for the fast pairs, then up to
 * 8, as Llama 3.1 has).
 */
function shapeVector({ role, mean }: PlannedTensor, bytes: Uint8Array): void {
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  const { length } = values
  for (let i = 0; i < length; i++) {
    const ramp = Math.max(0, Math.min(1, (4 * i) / length - 2))
    values[i] = role === 'ropeFreqs' ? 1 + 7 * ramp : (values[i] as number) + mean
  }
}

function storeError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  const full = 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
  return new SwarmError(
    full ? 'STORE_FULL' : 'STORE_UNREADABLE',
    full
      ? `the disk is full, so '${clip(path, 300)}' was not written; free some space`
      : `cannot write '${clip(path, 300)}': ${clip(error.message, 200)}`,
    { cause: error }
  )
}
