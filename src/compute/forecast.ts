// How fast a model will run here, from what its kernels were measured to do and before a byte of it is
// loaded. A token's time is the sum over its matrices of weights / rate of their type, and a little for
// every layer and every token that no matrix accounts for. Pure; measure.ts measures, `swarm bench` shows.

import { isTied, type ModelTensor } from '../model/tensors.ts'
import { tensorType, type SupportedType } from '../model/tensor-types.ts'

/** Of one type, in weights times positions per second. */
export interface TypeRates {
  /** One position at a time. */
  decode: number
  /** As many as a prompt's chunk has. */
  prefill: number
}

export interface Forecast {
  /** Of one session with a short context. */
  decodeTokensPerSecond: number
  prefillTokensPerSecond: number
  /** Weights that one token reads. */
  bytesPerToken: number
}

/**
 * Norms, rotation, attention over a short context, the quantiser and ten barriers of one layer: of the 1.1B
 * shape on a Zen 5 core a twentieth of what the products take, by samples of a profile. On slower cores it is
 * more, and so is the time of the products; as a share it hardly changes.
 */
const LAYER_SECONDS = 45e-6
/**
 * The sampler, the finite check of the logits, and the way from one step to the next: of 0.84 ms on a Zen 5,
 * two threads wake in 0.31, the rest is JavaScript whose caches the weights have swept, after 50 tokens as
 * after 500.
 */
const TOKEN_SECONDS = 900e-6

/** Types of matrices that one token is multiplied with; vectors are none. */
export function typesOf(tensors: readonly ModelTensor[]): SupportedType[] {
  const names = active(tensors).map(({ type }) => tensorType(type)?.name as SupportedType)
  return [...new Set(names)]
}

/** @param rates of every type in typesOf(tensors). */
export function forecast(
  tensors: readonly ModelTensor[],
  nLayers: number,
  rates: ReadonlyMap<SupportedType, TypeRates>
): Forecast {
  let decodeSeconds = nLayers * LAYER_SECONDS + TOKEN_SECONDS
  let prefillSeconds = 0
  let bytesPerToken = 0
  for (const tensor of active(tensors)) {
    const rate = rates.get(tensorType(tensor.type)?.name as SupportedType)
    if (rate === undefined) continue
    const weights = tensor.rows * tensor.cols
    decodeSeconds += weights / rate.decode
    bytesPerToken += tensor.sizeBytes
    // Of a prompt only the last position gets to the head.
    if (tensor.layer >= 0) prefillSeconds += weights / rate.prefill
  }
  return {
    decodeTokensPerSecond: 1 / decodeSeconds,
    prefillTokensPerSecond: 1 / prefillSeconds,
    bytesPerToken
  }
}

/**
 * The same where some layers are read from disk for each token and each chunk of a prompt, while others
 * compute: what takes longer counts.
 * @param bytesOnDisk of those layers.
 * @param diskBytesPerSecond 0: not known, and no guess is better than none.
 */
export function withDisk(
  predicted: Forecast,
  bytesOnDisk: number,
  diskBytesPerSecond: number,
  chunkTokens: number
): Forecast {
  if (bytesOnDisk === 0 || diskBytesPerSecond === 0) return predicted
  const passes = diskBytesPerSecond / bytesOnDisk
  return {
    ...predicted,
    decodeTokensPerSecond: Math.min(predicted.decodeTokensPerSecond, passes),
    prefillTokensPerSecond: Math.min(predicted.prefillTokensPerSecond, passes * chunkTokens)
  }
}

function active(tensors: readonly ModelTensor[]): ModelTensor[] {
  const tied = isTied(tensors)
  return tensors.filter(({ role, rows }) => rows > 1 && (role !== 'tokenEmbedding' || tied))
}
