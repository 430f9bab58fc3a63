// What a generated model looks like: the shapes, number formats and seed from which write-model.ts
// makes a file. Owns the presets that the demo, the tests and the bench share. The weights are random,
// so the words are too: such a model proves speed, splitting and exactness, never quality.

import type { Architecture } from '../hyperparameters.ts'
import type { RopeScaling } from '../rope.ts'
import type { SupportedType } from '../tensor-types.ts'

/**
 * The mixtures of llama.cpp's quantizer by its names. 'Q2_K' is a mixture there as well as a number
 * format; with `pure` it means the format.
 */
export type Mixture = 'Q2_K' | 'Q3_K_M' | 'Q4_K_M' | 'Q5_K_M'

export interface SyntheticSpec {
  /** general.name of the file. */
  name: string
  architecture: Architecture
  dim: number
  hiddenDim: number
  nLayers: number
  nHeads: number
  nKvHeads: number
  headDim: number
  /** At least VOCAB_MIN of vocabulary.ts. */
  vocabSize: number
  contextLength: number
  /** The head uses the token embedding. */
  tied: boolean
  tokenizer: 'spm' | 'bpe'
  ropeBase: number
  ropeScaling?: RopeScaling
  /** Writes rope_freqs.weight, as Llama 3.1 files have; llama only. */
  ropeFreqs?: boolean
  /** Writes biases of q, k and v; qwen2 always has them, qwen3 never. */
  biases?: boolean
  quant: SupportedType | Mixture
  /** Every matrix in the format `quant`, as `llama-quantize --pure` does. */
  pure?: boolean
  /** Whole number below 2^32; the same spec gives the same bytes on every machine. */
  seed: number
}

/** A few megabytes and twelve layers: small enough to make on the spot, deep enough to split. */
export const demoModelSpec: SyntheticSpec = {
  name: 'swarm demo',
  architecture: 'llama',
  dim: 256,
  hiddenDim: 768,
  nLayers: 12,
  nHeads: 4,
  nKvHeads: 2,
  headDim: 64,
  vocabSize: 4096,
  contextLength: 4096,
  tied: false,
  tokenizer: 'spm',
  ropeBase: 10_000,
  quant: 'Q4_K_M',
  seed: 1
}

/** The shape of TinyLlama-1.1B. */
export const shape1b: SyntheticSpec = {
  ...demoModelSpec,
  name: 'synthetic 1.1B',
  dim: 2048,
  hiddenDim: 5632,
  nLayers: 22,
  nHeads: 32,
  nKvHeads: 4,
  vocabSize: 32_000,
  contextLength: 2048
}

/** The shape of Llama-3-8B. */
export const shape8b: SyntheticSpec = {
  ...demoModelSpec,
  name: 'synthetic 8B',
  dim: 4096,
  hiddenDim: 14_336,
  nLayers: 32,
  nHeads: 32,
  nKvHeads: 8,
  headDim: 128,
  vocabSize: 128_256,
  contextLength: 8192,
  tokenizer: 'bpe',
  ropeBase: 500_000
}

/** 256 wide and 4 layers deep, so that a test makes and runs it in no time. */
export const smallLlama: SyntheticSpec = {
  ...demoModelSpec,
  name: 'small llama',
  nLayers: 4,
  vocabSize: 1024,
  contextLength: 512
}

/** Biases of q, k and v, a tied head and rotation by halves. */
export const smallQwen2: SyntheticSpec = {
  ...smallLlama,
  name: 'small qwen2',
  architecture: 'qwen2',
  tied: true,
  tokenizer: 'bpe',
  ropeBase: 1_000_000
}

/** Norms of q and k, and heads that together are wider than the residual stream. */
export const smallQwen3: SyntheticSpec = {
  ...smallQwen2,
  name: 'small qwen3',
  architecture: 'qwen3',
  headDim: 128,
  tied: false
}

/** Nothing divides by 256: every K format falls back to a format of 32, or to F16. */
export const oddLlama: SyntheticSpec = {
  ...smallLlama,
  name: 'odd llama',
  dim: 160,
  hiddenDim: 436,
  nHeads: 5,
  nKvHeads: 1,
  headDim: 32,
  ropeFreqs: true
}
