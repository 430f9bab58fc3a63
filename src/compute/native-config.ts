// A model as the native stage wants it: numbers for names, every field present. Owns the numbering that
// native/stage/config.h shares. The model has been validated in model/; the native side checks again
// what its memory safety rests on.

import { threadPlaces } from './threads.ts'

import type { Hyperparameters } from '../model/hyperparameters.ts'
import type { Rope } from '../model/rope.ts'
import type { ModelTensor, TensorRole } from '../model/tensors.ts'

/** Order of enum Role in native/stage/config.h. */
const ROLES: readonly TensorRole[] = [
  'tokenEmbedding',
  'outputNorm',
  'output',
  'ropeFreqs',
  'attnNorm',
  'attnQ',
  'attnQBias',
  'attnK',
  'attnKBias',
  'attnV',
  'attnVBias',
  'attnQNorm',
  'attnKNorm',
  'attnOutput',
  'attnOutputBias',
  'ffnNorm',
  'ffnGate',
  'ffnUp',
  'ffnDown'
]

/** Order of enum RopeScaling. */
const SCALINGS: readonly Rope['scaling']['type'][] = ['none', 'linear', 'llama3', 'yarn']

export interface NativeModelConfig {
  path: string
  sizeBytes: number
  mtimeNs: bigint
  threads: number
  /** Processors that each thread may use; an empty list means any. */
  places: readonly (readonly number[])[]
  dim: number
  hiddenDim: number
  nLayers: number
  nHeads: number
  nKvHeads: number
  headDim: number
  vocabSize: number
  normEpsilon: number
  rope: Record<string, number | boolean>
  tensors: {
    role: number
    layer: number
    name: string
    type: number
    rows: number
    cols: number
    offsetBytes: number
  }[]
}

/** What of a model the stage needs. Size and time of change tell a file that was replaced. */
export interface StageModel {
  path: string
  sizeBytes: number
  mtimeNs: bigint
  hyper: Hyperparameters
  tensors: readonly ModelTensor[]
}

export function nativeConfig(
  model: StageModel,
  threads: number,
  places = threadPlaces(threads)
): NativeModelConfig {
  const { hyper } = model
  return {
    path: model.path,
    sizeBytes: model.sizeBytes,
    mtimeNs: model.mtimeNs,
    threads,
    // A machine of one kind of cores and of memory: no thread is looked at, none is tied.
    places: places.some((cpus) => cpus.length > 0) ? places : [],
    dim: hyper.dim,
    hiddenDim: hyper.hiddenDim,
    nLayers: hyper.nLayers,
    nHeads: hyper.nHeads,
    nKvHeads: hyper.nKvHeads,
    headDim: hyper.headDim,
    vocabSize: hyper.vocabSize,
    normEpsilon: hyper.normEpsilon,
    rope: nativeRope(hyper.rope),
    tensors: model.tensors.map(({ role, layer, name, type, rows, cols, offsetBytes }) => ({
      role: ROLES.indexOf(role),
      layer,
      name,
      type,
      rows,
      cols,
      offsetBytes
    }))
  }
}

function nativeRope(rope: Rope): NativeModelConfig['rope'] {
  const neutral = {
    factor: 1,
    originalContext: 0,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    betaFast: 32,
    betaSlow: 1,
    attnFactor: 1,
    extFactor: 1
  }
  const { type, ...values } = rope.scaling
  return {
    halves: rope.pairing === 'halves',
    dims: rope.dims,
    base: rope.base,
    ...neutral,
    ...values,
    scaling: SCALINGS.indexOf(type)
  }
}
