// Flow C, from a model file to what a plan needs to know of it: whole KiB per layer. Pure.

import { CONTEXT_TOKENS_MAX } from '../base/limits.ts'
import { inRange, isTied, type ModelTensor, type TensorRole } from '../model/tensors.ts'
import { tensorType } from '../model/tensor-types.ts'
import type { Model } from '../model/open-model.ts'
import type { ModelFacts } from '../sharding/facts.ts'

/**
 * Positions whose keys and values a plan reserves on every stage unless a peer declares others with
 * --context: a conversation of ordinary length.
 * More would leave machines out that serve well, less would refuse the second session.
 */
export const PLANNED_CONTEXT_TOKENS = 4096

/** Rows of floats, of caches and of weights, are padded to 16 elements (native/stage/layout.h). */
const ROW_ELEMENTS = 16
/** Rows of quantised weights lie in groups (native/kernels/blocks.h). */
const GROUP_ROWS = 16
/** Where the next tensor of a layer begins, and what the layer ends with (native/stage/layer_layout.cpp). */
const TENSOR_ALIGN_BYTES = 256
/** Keys and values, f16. */
const KV_BYTES_PER_ELEMENT = 2 * 2

export function modelFacts({
  id,
  hyper,
  tensors
}: Pick<Model, 'id' | 'hyper' | 'tensors'>): ModelFacts {
  const { nLayers, nKvHeads, headDim, dim, contextLength } = hyper
  const ofLayer = Array.from({ length: nLayers }, (_, layer) =>
    tensors.filter((tensor) => tensor.layer === layer)
  )
  const layerKiB = ofLayer.map(residentKiB)
  const tied = isTied(tensors)
  const whole = { start: 0, end: nLayers }
  const outside = tensors.filter(
    (tensor) => tensor.layer === -1 && inRange(tensor, whole, nLayers, tied)
  )
  const isHead = ({ role }: ModelTensor) => role === 'outputNorm' || role === 'output'
  const embedding = outside.filter((tensor) => !isHead(tensor))
  const head = outside.filter(isHead)
  const table = outside.filter(({ role }) => role === 'tokenEmbedding')
  const rowElements = roundUp(headDim, ROW_ELEMENTS)
  return {
    id,
    nLayers,
    dim,
    layerKiB,
    ...feedForward(ofLayer, layerKiB),
    activeKiB: ofLayer.map(fileKiB),
    embeddingKiB: residentKiB(embedding),
    // The output matrix of a tied model is the token table.
    headKiB: residentKiB(tied ? [...head, ...table] : head),
    tied,
    layerKops: ofLayer.map(kops),
    kvBytesPerToken: nKvHeads * rowElements * KV_BYTES_PER_ELEMENT,
    contextTokens: Math.min(contextLength, PLANNED_CONTEXT_TOKENS),
    contextTokensMax: Math.min(contextLength, CONTEXT_TOKENS_MAX)
  }
}

/** Rounded down, so that what is left of a layer of which these are on disk is not said to be less. */
function feedForward(ofLayer: readonly ModelTensor[][], layerKiB: readonly number[]) {
  const partKiB = (roles: readonly TensorRole[]) =>
    ofLayer.map((tensors, layer) => {
      const part = tensors.filter(({ role }) => roles.includes(role))
      return Math.min(layerKiB[layer] as number, Math.floor(storedSum(part) / 1024))
    })
  return { gateUpKiB: partKiB(['ffnNorm', 'ffnGate', 'ffnUp']), downKiB: partKiB(['ffnDown']) }
}

/** A multiplication and an addition for every weight. */
function kops(tensors: readonly ModelTensor[]): number {
  return Math.ceil(tensors.reduce((sum, { rows, cols }) => sum + 2 * rows * cols, 0) / 1000)
}

/** What a token reads. */
function fileKiB(tensors: readonly ModelTensor[]): number {
  return Math.ceil(tensors.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024)
}

/** What a stage takes for them: a plan that fills a machine's memory must not be short of a page. */
function residentKiB(tensors: readonly ModelTensor[]): number {
  return Math.ceil((storedSum(tensors) + TENSOR_ALIGN_BYTES) / 1024)
}

function storedSum(tensors: readonly ModelTensor[]): number {
  return tensors.reduce((sum, one) => sum + roundUp(storedBytes(one) + 1, TENSOR_ALIGN_BYTES), 0)
}

function storedBytes({ type, rows, cols, sizeBytes }: ModelTensor): number {
  const isFloat = tensorType(type)?.blockLength === 1
  if (isFloat) return (sizeBytes / cols) * roundUp(cols, ROW_ELEMENTS)
  return (sizeBytes / rows) * roundUp(rows, GROUP_ROWS)
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step
}
