// Flow C, from a model file to what a plan needs to know of it: whole KiB per layer. Pure.

import { CONTEXT_TOKENS_MAX } from '../base/limits.ts'
import { inRange, isTied, type ModelTensor } from '../model/tensors.ts'
import type { Model } from '../model/open-model.ts'
import type { ModelFacts } from '../sharding/facts.ts'

/**
 * Positions whose keys and values a plan reserves on every stage unless a peer declares others with
 * --context: a conversation of ordinary length.
 * More would leave machines out that serve well, less would refuse the second session.
 */
export const PLANNED_CONTEXT_TOKENS = 4096

/** Cache rows are padded to 16 elements; keys and values, f16. */
const ROW_ELEMENTS = 16
const KV_BYTES_PER_ELEMENT = 2 * 2

export function modelFacts({ id, hyper, tensors }: Model): ModelFacts {
  const { nLayers, nKvHeads, headDim, dim, contextLength } = hyper
  const layerKiB = Array.from({ length: nLayers }, (_, layer) =>
    kib(tensors.filter((tensor) => tensor.layer === layer))
  )
  const tied = isTied(tensors)
  const whole = { start: 0, end: nLayers }
  const outside = tensors.filter(
    (tensor) => tensor.layer === -1 && inRange(tensor, whole, nLayers, tied)
  )
  const isHead = ({ role }: ModelTensor) => role === 'outputNorm' || role === 'output'
  const embedding = outside.filter((tensor) => !isHead(tensor))
  const head = outside.filter(isHead)
  const table = outside.filter(({ role }) => role === 'tokenEmbedding')
  const rowElements = Math.ceil(headDim / ROW_ELEMENTS) * ROW_ELEMENTS
  return {
    id,
    nLayers,
    dim,
    layerKiB,
    activeKiB: layerKiB,
    embeddingKiB: kib(embedding),
    // The output matrix of a tied model is the token table.
    headKiB: kib(tied ? [...head, ...table] : head),
    tied,
    layerKops: Array.from({ length: nLayers }, (_, layer) =>
      kops(tensors.filter((tensor) => tensor.layer === layer))
    ),
    kvBytesPerToken: nKvHeads * rowElements * KV_BYTES_PER_ELEMENT,
    contextTokens: Math.min(contextLength, PLANNED_CONTEXT_TOKENS),
    contextTokensMax: Math.min(contextLength, CONTEXT_TOKENS_MAX)
  }
}

/** A multiplication and an addition for every weight. */
function kops(tensors: readonly ModelTensor[]): number {
  return Math.ceil(tensors.reduce((sum, { rows, cols }) => sum + 2 * rows * cols, 0) / 1000)
}

function kib(tensors: readonly ModelTensor[]): number {
  return Math.ceil(tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024)
}
