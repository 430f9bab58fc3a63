// Flow C: which tensor of a file plays which part in the model. Owns the names and shapes that each
// architecture has, so that a missing tensor, one of another shape or one that we would not use stops
// the load instead of changing the answers. Reads no tensor data. Names are llama.cpp's.

import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import type { Gguf, GgufTensor } from './gguf.ts'
import type { Architecture, Hyperparameters } from './hyperparameters.ts'
import type { LayerRange } from './layer-range.ts'
import { tensorType, tensorTypeNamed, type TensorType } from './tensor-types.ts'

export type TensorRole =
  | 'tokenEmbedding'
  | 'outputNorm'
  | 'output'
  | 'ropeFreqs'
  | 'attnNorm'
  | 'attnQ'
  | 'attnQBias'
  | 'attnK'
  | 'attnKBias'
  | 'attnV'
  | 'attnVBias'
  | 'attnQNorm'
  | 'attnKNorm'
  | 'attnOutput'
  | 'attnOutputBias'
  | 'ffnNorm'
  | 'ffnGate'
  | 'ffnUp'
  | 'ffnDown'

export interface ModelTensor {
  readonly role: TensorRole
  /** Index of the transformer layer; -1 for a tensor of none. */
  readonly layer: number
  readonly name: string
  /** GGML's number of the format; tensor-types.ts names it. */
  readonly type: number
  /** Row-major (rows, cols); a vector is one row. */
  readonly rows: number
  readonly cols: number
  readonly offsetBytes: number
  readonly sizeBytes: number
}

interface Place {
  role: TensorRole
  name: string
  rows: number
  cols: number
  /** Vectors are read as f32 by every kernel; matrices may have any supported format. */
  kind: 'matrix' | 'vector'
  presence: 'required' | 'optional'
}

/**
 * The tensors in the order of computation; without an `output` the head uses the token embedding.
 * @throws MODEL_BAD_TENSOR for one that is missing, unknown or of the wrong shape,
 *         MODEL_UNSUPPORTED_TYPE for one whose number format we do not compute with.
 */
export function modelTensors(gguf: Gguf, hyper: Hyperparameters): ModelTensor[] {
  const left = new Map(gguf.tensors.map((tensor) => [tensor.name, tensor]))
  const found: ModelTensor[] = []
  const take = (place: Place, layer: number) => {
    const tensor = left.get(place.name)
    if (tensor) found.push(checked(place, layer, tensor))
    else if (place.presence === 'required') throw missing(place, hyper)
    left.delete(place.name)
  }
  for (const place of placesBefore(hyper)) take(place, -1)
  for (let layer = 0; layer < hyper.nLayers; layer++) {
    for (const place of placesOfLayer(hyper, layer)) take(place, layer)
  }
  for (const place of placesAfter(hyper)) take(place, -1)
  if (hyper.rope.scaling.type === 'llama3' && found.some(({ role }) => role === 'ropeFreqs')) {
    throw new SwarmError(
      'MODEL_BAD_TENSOR',
      `tensor 'rope_freqs.weight' says the same as key 'llama.rope.scaling.type'; together they ` +
        `would stretch the context twice`
    )
  }
  const [unknown] = left.keys()
  if (unknown !== undefined) {
    throw new SwarmError(
      'MODEL_BAD_TENSOR',
      `tensor '${clip(unknown)}' is not part of a ${hyper.architecture} model of ` +
        `${hyper.nLayers} layers; leaving it out would change the answers`
    )
  }
  return found
}

/** Whether the head uses the token embedding. */
export function isTied(tensors: readonly ModelTensor[]): boolean {
  return !tensors.some(({ role }) => role === 'output')
}

/**
 * Whether a holder of these layers needs this tensor: the embedding goes with layer 0, output norm
 * and head with the last layer, rope frequencies with every layer.
 */
export function inRange(
  tensor: ModelTensor,
  range: LayerRange,
  nLayers: number,
  tied: boolean
): boolean {
  const hasFirst = range.start === 0
  const hasLast = range.end === nLayers
  switch (tensor.role) {
    case 'tokenEmbedding':
      return hasFirst || (tied && hasLast)
    case 'outputNorm':
    case 'output':
      return hasLast
    case 'ropeFreqs':
      return true
    default:
      return range.start <= tensor.layer && tensor.layer < range.end
  }
}

/** Weight bytes that a holder of these layers has in memory; a tied embedding counts once. */
export function rangeBytes(
  tensors: readonly ModelTensor[],
  range: LayerRange,
  nLayers: number
): number {
  const tied = isTied(tensors)
  let sizeBytes = 0
  for (const tensor of tensors) {
    if (inRange(tensor, range, nLayers, tied)) sizeBytes += tensor.sizeBytes
  }
  return sizeBytes
}

function placesBefore({ vocabSize, dim, rope, architecture }: Hyperparameters): Place[] {
  const places = [matrix('tokenEmbedding', 'token_embd', vocabSize, dim)]
  if (architecture === 'llama') {
    places.push(optional(vector('ropeFreqs', 'rope_freqs.weight', rope.dims / 2)))
  }
  return places
}

function placesAfter({ vocabSize, dim }: Hyperparameters): Place[] {
  return [
    vector('outputNorm', 'output_norm.weight', dim),
    optional(matrix('output', 'output', vocabSize, dim))
  ]
}

const BIASES: Record<Architecture, 'none' | 'optional' | 'required'> = {
  llama: 'optional',
  qwen2: 'required',
  qwen3: 'none'
}

function placesOfLayer(hyper: Hyperparameters, layer: number): Place[] {
  const { architecture, dim, hiddenDim, nHeads, nKvHeads, headDim } = hyper
  const qDim = nHeads * headDim
  const kvDim = nKvHeads * headDim
  const at = (name: string) => `blk.${layer}.${name}`
  const withBias = (weight: Place, role: TensorRole): Place[] => {
    const bias = vector(role, weight.name.replace(/weight$/, 'bias'), weight.rows)
    const presence = BIASES[architecture]
    if (presence === 'none') return [weight]
    return [weight, presence === 'optional' ? optional(bias) : bias]
  }
  const headNorms =
    architecture === 'qwen3'
      ? [
          vector('attnQNorm', at('attn_q_norm.weight'), headDim),
          vector('attnKNorm', at('attn_k_norm.weight'), headDim)
        ]
      : []
  const outputBias =
    architecture === 'llama'
      ? [optional(vector('attnOutputBias', at('attn_output.bias'), dim))]
      : []
  return [
    vector('attnNorm', at('attn_norm.weight'), dim),
    ...withBias(matrix('attnQ', at('attn_q'), qDim, dim), 'attnQBias'),
    ...withBias(matrix('attnK', at('attn_k'), kvDim, dim), 'attnKBias'),
    ...withBias(matrix('attnV', at('attn_v'), kvDim, dim), 'attnVBias'),
    ...headNorms,
    matrix('attnOutput', at('attn_output'), dim, qDim),
    ...outputBias,
    vector('ffnNorm', at('ffn_norm.weight'), dim),
    matrix('ffnGate', at('ffn_gate'), hiddenDim, dim),
    matrix('ffnUp', at('ffn_up'), hiddenDim, dim),
    matrix('ffnDown', at('ffn_down'), dim, hiddenDim)
  ]
}

function matrix(role: TensorRole, stem: string, rows: number, cols: number): Place {
  return { role, name: `${stem}.weight`, rows, cols, kind: 'matrix', presence: 'required' }
}

function vector(role: TensorRole, name: string, cols: number): Place {
  return { role, name, rows: 1, cols, kind: 'vector', presence: 'required' }
}

function optional(place: Place): Place {
  return { ...place, presence: 'optional' }
}

function checked(place: Place, layer: number, tensor: GgufTensor): ModelTensor {
  const { role, name, rows, cols } = place
  const wanted = place.kind === 'vector' ? [cols] : [cols, rows]
  // Trailing dimensions of 1 say nothing.
  const shape = tensor.shape.slice(0, wanted.length)
  const rest = tensor.shape.slice(wanted.length)
  while (shape.length < wanted.length) shape.push(1)
  if (shape.join() !== wanted.join() || rest.some((length) => length !== 1)) {
    throw new SwarmError(
      'MODEL_BAD_TENSOR',
      `tensor '${name}' has shape ${tensor.shape.join(' x ')} where the metadata asks for ` +
        `${wanted.join(' x ')}; the file is damaged`
    )
  }
  checkType(place, tensorType(tensor.typeId) as TensorType)
  const { typeId: type, offsetBytes, sizeBytes } = tensor
  return { role, layer, name, type, rows, cols, offsetBytes, sizeBytes }
}

function checkType(place: Place, type: TensorType): void {
  if (!type.supported) {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_TYPE',
      `tensor '${place.name}' has number format ${type.name}, which is not supported; ` +
        `use a file quantised to Q4_K_M or Q8_0`
    )
  }
  if (place.kind === 'vector' && type !== tensorTypeNamed('F32')) {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_TYPE',
      `tensor '${place.name}' has number format ${type.name}; a vector must be F32`
    )
  }
}

function missing(place: Place, hyper: Hyperparameters): SwarmError {
  return new SwarmError(
    'MODEL_BAD_TENSOR',
    `tensor '${place.name}' is missing, which a ${hyper.architecture} model of ` +
      `${hyper.nLayers} layers needs; the file is damaged`
  )
}
