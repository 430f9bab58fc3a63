// Flow C: the numbers that make a GGUF file a runnable transformer. Owns which architectures are
// supported, the keys that describe them and the range of each value; everything the native stage
// sizes its memory by has passed here. Does not look at tensors (tensors.ts) and computes nothing.
// Key names are llama.cpp's (LLM_KV_NAMES in src/llama-arch.cpp).

import { SwarmError } from '../base/errors.ts'
import {
  CONTEXT_TOKENS_MAX,
  DIM_MAX,
  HEADS_MAX,
  HEAD_DIM_MAX,
  HIDDEN_DIM_MAX,
  LAYERS_MAX,
  VOCAB_MAX
} from '../base/limits.ts'
import { clip } from '../base/text.ts'
import type { Gguf } from './gguf.ts'
import type { Metadata } from './metadata.ts'
import { readRope, type Rope } from './rope.ts'

export const ARCHITECTURES = ['llama', 'qwen2', 'qwen3'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

const PAIRING: Record<Architecture, Rope['pairing']> = {
  llama: 'adjacent',
  qwen2: 'halves',
  qwen3: 'halves'
}

export interface Hyperparameters {
  architecture: Architecture
  /** general.name, foreign text; empty where the file has none. */
  name: string
  /** Width of the residual stream. */
  dim: number
  /** Width of the feed-forward layer. */
  hiddenDim: number
  nLayers: number
  nHeads: number
  /** Divides nHeads: query head h reads the keys of head h / (nHeads / nKvHeads), rounded down. */
  nKvHeads: number
  /** Elements of one head of q, k and v; nHeads * headDim may differ from dim. */
  headDim: number
  vocabSize: number
  /** Positions the model was trained for, at most CONTEXT_TOKENS_MAX. */
  contextLength: number
  /** Added to the mean square in every RMSNorm. */
  normEpsilon: number
  rope: Rope
}

/**
 * @throws MODEL_BAD_METADATA when a key is missing or out of range,
 *         MODEL_UNSUPPORTED_ARCHITECTURE when the model needs what we do not compute.
 */
export function readHyperparameters(gguf: Gguf): Hyperparameters {
  const { metadata } = gguf
  const architecture = readArchitecture(metadata)
  refuseUnsupported(metadata, architecture)
  const at = (name: string) => `${architecture}.${name}`
  const count = (name: string, max: number) => range(metadata, at(name), max)

  const dim = count('embedding_length', DIM_MAX)
  const nHeads = count('attention.head_count', HEADS_MAX)
  const nKvHeads =
    metadata.get(at('attention.head_count_kv')) === null
      ? nHeads
      : count('attention.head_count_kv', HEADS_MAX)
  if (nHeads % nKvHeads !== 0) {
    throw bad(at('attention.head_count_kv'), `${nKvHeads}, which does not divide ${nHeads} heads`)
  }
  const headDim = readHeadDim(metadata, architecture, dim, nHeads)
  const trainedContext = count('context_length', Number.MAX_SAFE_INTEGER)
  return {
    architecture,
    name: metadata.text('general.name') ?? '',
    dim,
    hiddenDim: count('feed_forward_length', HIDDEN_DIM_MAX),
    nLayers: count('block_count', LAYERS_MAX),
    nHeads,
    nKvHeads,
    headDim,
    vocabSize: readVocabSize(metadata, architecture),
    // Some files claim millions of positions; a session is bounded before, so that is no reason to
    // refuse them.
    contextLength: Math.min(trainedContext, CONTEXT_TOKENS_MAX),
    normEpsilon: readEpsilon(metadata, at('attention.layer_norm_rms_epsilon')),
    rope: readRope(metadata, architecture, PAIRING[architecture], headDim, trainedContext)
  }
}

function readArchitecture(metadata: Metadata): Architecture {
  const key = 'general.architecture'
  const name = metadata.text(key)
  if (name === null) throw new SwarmError('MODEL_BAD_METADATA', `key '${key}' is missing`)
  const found = ARCHITECTURES.find((architecture) => architecture === name)
  if (!found) {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_ARCHITECTURE',
      `the model's architecture is '${clip(name)}'; supported are ${ARCHITECTURES.join(', ')}`
    )
  }
  return found
}

/** Keys that ask for another computation than ours; a neutral value asks for nothing. */
function refuseUnsupported(metadata: Metadata, architecture: Architecture): void {
  const neutral: [name: string, isNeutral: (value: unknown) => boolean][] = [
    ['expert_count', isZero],
    ['expert_used_count', isZero],
    ['use_parallel_residual', (value) => value === false],
    ['attention.causal', (value) => value === true],
    ['attention.sliding_window', isNoWindow(metadata, architecture)],
    ['attention.clamp_kqv', isZero],
    ['attention.scale', isZero],
    ['attn_logit_softcapping', isZero],
    ['final_logit_softcapping', isZero],
    ['logit_scale', isNeutralScale],
    ['residual_scale', isNeutralScale],
    ['embedding_scale', isNeutralScale]
  ]
  for (const [name, isNeutral] of neutral) {
    const key = `${architecture}.${name}`
    const found = metadata.get(key)
    if (found !== null && !isNeutral(found.value)) {
      throw new SwarmError(
        'MODEL_UNSUPPORTED_ARCHITECTURE',
        `key '${key}' is ${String(found.value).slice(0, 20)}, which asks for a computation that ` +
          `is not supported`
      )
    }
  }
}

function isZero(value: unknown): boolean {
  return value === 0
}

function isNeutralScale(value: unknown): boolean {
  return value === 0 || value === 1
}

/** A window that the whole context fits into changes nothing. */
function isNoWindow(metadata: Metadata, architecture: Architecture): (value: unknown) => boolean {
  const context = metadata.get(`${architecture}.context_length`)?.value
  return (value) =>
    value === 0 || (typeof value === 'number' && typeof context === 'number' && value >= context)
}

function readHeadDim(
  metadata: Metadata,
  architecture: Architecture,
  dim: number,
  nHeads: number
): number {
  const keyName = `${architecture}.attention.key_length`
  const valueName = `${architecture}.attention.value_length`
  const keyLength = metadata.integer(keyName) ?? dim / nHeads
  const valueLength = metadata.integer(valueName) ?? dim / nHeads
  if (keyLength !== valueLength) {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_ARCHITECTURE',
      `keys have ${keyLength} elements and values ${valueLength} ('${keyName}', '${valueName}'); ` +
        `only equal lengths are supported`
    )
  }
  if (!Number.isInteger(keyLength) || keyLength < 2 || keyLength > HEAD_DIM_MAX) {
    throw bad(keyName, `${keyLength}, not a whole number from 2 to ${HEAD_DIM_MAX}`)
  }
  if (keyLength % 2 !== 0) throw bad(keyName, `${keyLength}, odd: elements turn in pairs`)
  return keyLength
}

function readVocabSize(metadata: Metadata, architecture: Architecture): number {
  const tokens = metadata.texts('tokenizer.ggml.tokens')
  const size = tokens?.length ?? metadata.integer(`${architecture}.vocab_size`)
  if (size === null) {
    throw new SwarmError('MODEL_BAD_METADATA', `key 'tokenizer.ggml.tokens' is missing`)
  }
  if (size < 1 || size > VOCAB_MAX) {
    throw bad('tokenizer.ggml.tokens', `${size} tokens, not 1 to ${VOCAB_MAX}`)
  }
  return size
}

function readEpsilon(metadata: Metadata, key: string): number {
  const value = metadata.float(key)
  if (value === null) throw new SwarmError('MODEL_BAD_METADATA', `key '${key}' is missing`)
  if (!(value > 0) || !Number.isFinite(value)) throw bad(key, `${value}, not a positive number`)
  return value
}

function range(metadata: Metadata, key: string, max: number): number {
  const found = metadata.get(key)
  if (found?.type === 'array') {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_ARCHITECTURE',
      `key '${key}' differs from layer to layer, which is not supported`
    )
  }
  const value = metadata.integer(key)
  if (value === null) throw new SwarmError('MODEL_BAD_METADATA', `key '${key}' is missing`)
  if (value < 1 || value > max) throw bad(key, `${value}, not 1 to ${max}`)
  return value
}

function bad(key: string, fault: string): SwarmError {
  return new SwarmError('MODEL_BAD_METADATA', `key '${key}' is ${fault}; the file is damaged`)
}
