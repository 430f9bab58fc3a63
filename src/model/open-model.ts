// Flow C: a path becomes a model: everything about it but the weights. Owns the order of the checks, so
// that a file which cannot work is refused before it is hashed, and the sentences for the usual
// mistakes with paths. Reading weights is the native stage's business (compute/).

import { basename, resolve } from 'node:path'
import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { FileSource, type FileFacts } from './byte-source.ts'
import { ChatTemplate } from './chat-template.ts'
import { readGguf, type Gguf } from './gguf.ts'
import { readHyperparameters, type Hyperparameters } from './hyperparameters.ts'
import { HASH_BYTES, hashChunks, modelIdOf, type HashOptions } from './model-id.ts'
import { recallModelId, rememberModelId } from './model-id-cache.ts'
import { isSentinel, recommendedSampling, type RecommendedSampling } from './recommended.ts'
import { isTied, modelTensors, type ModelTensor } from './tensors.ts'
import { readTokenizer, type Tokenizer } from './tokenizer/tokenizer.ts'

/** Size, time of change and inode tell later whether the file is still the one that was opened. */
export interface Model extends FileFacts {
  /** Hash of the whole file, 64 hex digits; zeros where it was not asked for. */
  readonly id: string
  /** general.name or the file's name; foreign text, clipped and fit for a line. */
  readonly name: string
  /** Absolute. */
  readonly path: string
  /** Bytes before the tensor data. */
  readonly headerBytes: number
  readonly hyper: Hyperparameters
  /** In the order of computation. */
  readonly tensors: readonly ModelTensor[]
  /** The head uses the token embedding. */
  readonly tied: boolean
  readonly tokenizer: Tokenizer
  /** null for a model that was not made for conversations. */
  readonly chatTemplate: ChatTemplate | null
  /** What the file says of how its tokens are best drawn. */
  readonly sampling: RecommendedSampling
  /** It speaks the layout of training/FORMAT.md: a failed command in; cause, fix and confidence out. */
  readonly isSentinel: boolean
}

const NO_ID = '0'.repeat(2 * HASH_BYTES)

export interface OpenModelOptions extends HashOptions {
  /** JSON file that remembers ids; without it the file is hashed every time. */
  idCachePath?: string
  /** The id is not needed: unless it is remembered, the file is not hashed and the id is all zeros. */
  withoutId?: boolean
}

/**
 * Looks only whether there is a file to open: what a wrong path is told by before anything else begins.
 * @throws MODEL_NOT_FOUND, MODEL_UNREADABLE
 */
export async function checkModelFile(path: string): Promise<void> {
  const source = await FileSource.open(resolve(path))
  try {
    checkFile(source)
  } finally {
    await source.close()
  }
}

/**
 * Reads the header, then hashes the file unless its id is remembered; onProgress tells of the hashing.
 * @throws MODEL_NOT_FOUND, MODEL_UNREADABLE, MODEL_CHANGED, and whatever is wrong with the file (see
 *         gguf.ts, hyperparameters.ts, tensors.ts, tokenizer/); AbortError
 */
export async function openModel(path: string, options: OpenModelOptions = {}): Promise<Model> {
  const absolute = resolve(path)
  const source = await FileSource.open(absolute)
  try {
    checkFile(source)
    const gguf = await readGguf(source)
    checkWhole(gguf, absolute)
    const hyper = readHyperparameters(gguf)
    const tensors = modelTensors(gguf, hyper)
    const tokenizer = readTokenizer(gguf.metadata)
    const template = gguf.metadata.text('tokenizer.chat_template')
    const id = await idOf(source, gguf.dataOffsetBytes, options)
    return {
      ...source.facts,
      id,
      name: clip(hyper.name.trim() || basename(absolute).replace(/\.gguf$/i, '')),
      path: absolute,
      headerBytes: gguf.dataOffsetBytes,
      hyper,
      tensors,
      tied: isTied(tensors),
      tokenizer,
      chatTemplate: template === null ? null : new ChatTemplate(template),
      sampling: recommendedSampling(gguf.metadata),
      isSentinel: isSentinel(gguf.metadata)
    }
  } finally {
    await source.close()
  }
}

async function idOf(
  source: FileSource,
  headerBytes: number,
  { idCachePath, withoutId, onProgress, signal }: OpenModelOptions
): Promise<string> {
  const { path, facts } = source
  const known = idCachePath ? await recallModelId(idCachePath, path, facts) : null
  if (known !== null) return known
  if (withoutId) return NO_ID
  const hashing: HashOptions = {}
  if (onProgress) hashing.onProgress = onProgress
  if (signal) hashing.signal = signal
  const id = modelIdOf(await hashChunks(source, headerBytes, hashing))
  if (!(await source.isUnchanged())) {
    throw new SwarmError(
      'MODEL_CHANGED',
      `'${clip(path, 300)}' was written to while it was read; try again when it is complete`
    )
  }
  if (idCachePath) await rememberModelId(idCachePath, path, facts, id)
  return id
}

function checkFile({ path, sizeBytes }: FileSource): void {
  if (sizeBytes === 0) {
    throw new SwarmError(
      'MODEL_NOT_FOUND',
      `'${clip(path, 300)}' is empty; its download did not begin or the disk was full, fetch it again`
    )
  }
  const [, part, parts] = /-(\d{5})-of-(\d{5})\.gguf$/i.exec(path) ?? []
  if (part !== undefined && Number(parts) > 1)
    throw splitFile(path, `${Number(part)}`, Number(parts))
}

function checkWhole({ metadata }: Gguf, path: string): void {
  const count = metadata.integer('split.count') ?? 1
  const index = metadata.integer('split.no') ?? 0
  if (count > 1) throw splitFile(path, `${index + 1}`, count)
}

function splitFile(path: string, part: string, parts: number): SwarmError {
  return new SwarmError(
    'MODEL_NOT_FOUND',
    `'${clip(path, 300)}' is part ${part} of ${parts} of a model; join the parts into one file ` +
      `first (llama-gguf-split --merge)`
  )
}
