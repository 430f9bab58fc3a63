// Whether a cable outruns the processors for a given model: the bytes of one activation, the tokens per
// second that the wire allows, and the tokens per second that the kernels consume. Pure arithmetic on
// what was measured; reads only the header of the model file.

import { FileSource } from '../model/byte-source.ts'
import { readGguf } from '../model/gguf.ts'
import { readHyperparameters } from '../model/hyperparameters.ts'
import { isTied, modelTensors } from '../model/tensors.ts'

export interface ModelBurden {
  name: string
  nLayers: number
  /** One token's activation: f32, as it travels. */
  activationBytes: number
  /** Read for one token: every layer and the head. */
  weightBytesPerToken: number
}

/** Framing of one activation beside its values: session message 24, kind 1, Noise 20, TCP and IP headers. */
const FRAME_BYTES = 64

/** @throws MODEL_* as openModel does, though the weights are not read. */
export async function readBurden(path: string): Promise<ModelBurden> {
  const source = await FileSource.open(path)
  try {
    const gguf = await readGguf(source)
    const hyper = readHyperparameters(gguf)
    const tensors = modelTensors(gguf, hyper)
    // Of an embedding table that is not also the head, a token reads one row.
    const isRead = (role: string) => role !== 'tokenEmbedding' || isTied(tensors)
    return {
      name: hyper.name,
      nLayers: hyper.nLayers,
      activationBytes: hyper.dim * 4,
      weightBytesPerToken: tensors
        .filter(({ role }) => isRead(role))
        .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    }
  } finally {
    await source.close()
  }
}

export interface WireFacts {
  /** Encrypted, the slower direction; bytes per second. */
  noiseBytesPerSecond: number
  /** An activation there and back, as measured with its size. */
  activationRttMs: number
  /** What the kernels of this machine consume. */
  weightBytesPerSecond: number
}

export interface WireBudget {
  /** Tokens per second if the wire were all there is: sent as one stream, and one after the other. */
  wireTokensPerSecond: number
  hopTokensPerSecond: number
  /** Tokens per second of this machine's kernels on the whole model. */
  kernelTokensPerSecond: number
  /** Time of one token in the kernels and on the two hops of a route of two machines, ms. */
  kernelMs: number
  hopsMs: number
  /** The wire is faster than the kernels can use, even one token at a time. */
  outruns: boolean
}

export function wireBudget(model: ModelBurden, facts: WireFacts): WireBudget {
  const kernelMs = (1000 * model.weightBytesPerToken) / facts.weightBytesPerSecond
  // There with the activation, back with the id of a token: half of the measured round trip at least.
  const hopsMs = facts.activationRttMs
  return {
    wireTokensPerSecond: facts.noiseBytesPerSecond / (model.activationBytes + FRAME_BYTES),
    hopTokensPerSecond: 1000 / hopsMs,
    kernelTokensPerSecond: 1000 / kernelMs,
    kernelMs,
    hopsMs,
    outruns: hopsMs < kernelMs
  }
}
