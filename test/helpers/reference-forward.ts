// A transformer in float64, written from the papers and not from our native engine: the oracle that
// it is compared with, for every architecture and rope variant. Slow and plain on purpose. Weights are
// decoded by dequantize.ts; every sum is a sum of doubles in index order.

import { FileSource } from '../../src/model/byte-source.ts'
import { readGguf } from '../../src/model/gguf.ts'
import { readHyperparameters, type Hyperparameters } from '../../src/model/hyperparameters.ts'
import { modelTensors, type TensorRole } from '../../src/model/tensors.ts'
import { tensorType, type SupportedType } from '../../src/model/tensor-types.ts'
import { dequantize } from './dequantize.ts'

interface Weights {
  rows: number
  cols: number
  values: Float32Array
}

export interface ReferenceModel {
  hyper: Hyperparameters
  /** Key is `role layer`. */
  weights: Map<string, Weights>
}

/** Reads a whole model file into f32 values; meant for models of a few megabytes. */
export async function loadReference(path: string): Promise<ReferenceModel> {
  const source = await FileSource.open(path)
  try {
    const gguf = await readGguf(source)
    const hyper = readHyperparameters(gguf)
    const weights = new Map<string, Weights>()
    for (const { role, layer, type, rows, cols, ...place } of modelTensors(gguf, hyper)) {
      const bytes = await source.read(place.offsetBytes, place.sizeBytes)
      const values = dequantize(tensorType(type)?.name as SupportedType, bytes)
      weights.set(`${role} ${layer}`, { rows, cols, values })
    }
    return { hyper, weights }
  } finally {
    await source.close()
  }
}

/** @returns (vocab,) logits after each token of `ids`. */
export function referenceLogits(model: ReferenceModel, ids: readonly number[]): Float64Array[] {
  const { hyper } = model
  const embedding = weight(model, 'tokenEmbedding', -1)
  const hidden = ids.map((id) =>
    Float64Array.from(embedding.values.subarray(id * hyper.dim, (id + 1) * hyper.dim))
  )
  for (let layer = 0; layer < hyper.nLayers; layer++) runLayer(model, layer, hidden)
  const head = model.weights.get('output -1') ?? embedding
  const norm = weight(model, 'outputNorm', -1)
  return hidden.map((x) => product(head, rmsNorm(x, norm, hyper.normEpsilon)))
}

/** Changes `hidden`, (nTokens, dim), in place. */
function runLayer(model: ReferenceModel, layer: number, hidden: Float64Array[]): void {
  const { hyper } = model
  const of = (role: TensorRole) => weight(model, role, layer)
  const queries: Float64Array[] = []
  const keys: Float64Array[] = []
  const values: Float64Array[] = []
  for (const [position, x] of hidden.entries()) {
    const normed = rmsNorm(x, of('attnNorm'), hyper.normEpsilon)
    const q = withBias(model, 'attnQBias', layer, product(of('attnQ'), normed))
    const k = withBias(model, 'attnKBias', layer, product(of('attnK'), normed))
    normHeads(model, 'attnQNorm', layer, q)
    normHeads(model, 'attnKNorm', layer, k)
    rotate(model, q, position)
    rotate(model, k, position)
    queries.push(q)
    keys.push(k)
    values.push(withBias(model, 'attnVBias', layer, product(of('attnV'), normed)))
  }
  for (const [position, x] of hidden.entries()) {
    const mixed = attend(hyper, queries[position] as Float64Array, keys, values, position)
    const out = withBias(model, 'attnOutputBias', layer, product(of('attnOutput'), mixed))
    add(x, out)
    const normed = rmsNorm(x, of('ffnNorm'), hyper.normEpsilon)
    const gate = product(of('ffnGate'), normed)
    const up = product(of('ffnUp'), normed)
    const inner = gate.map((g, i) => (g / (1 + Math.exp(-g))) * (up[i] as number))
    add(x, product(of('ffnDown'), inner))
  }
}

/** Causal attention of one position: (nHeads * headDim,). */
function attend(
  { nHeads, nKvHeads, headDim }: Hyperparameters,
  q: Float64Array,
  keys: Float64Array[],
  values: Float64Array[],
  position: number
): Float64Array {
  const out = new Float64Array(nHeads * headDim)
  for (let head = 0; head < nHeads; head++) {
    const kvHead = Math.floor(head / (nHeads / nKvHeads))
    const scores: number[] = []
    for (let p = 0; p <= position; p++) {
      const key = keys[p] as Float64Array
      let score = 0
      for (let i = 0; i < headDim; i++) {
        score += (q[head * headDim + i] as number) * (key[kvHead * headDim + i] as number)
      }
      scores.push(score / Math.sqrt(headDim))
    }
    const most = Math.max(...scores)
    const shares = scores.map((score) => Math.exp(score - most))
    const total = shares.reduce((sum, share) => sum + share, 0)
    for (let p = 0; p <= position; p++) {
      const share = (shares[p] as number) / total
      const value = values[p] as Float64Array
      for (let i = 0; i < headDim; i++) {
        const at = head * headDim + i
        out[at] = (out[at] as number) + share * (value[kvHead * headDim + i] as number)
      }
    }
  }
  return out
}

function rotate(model: ReferenceModel, heads: Float64Array, position: number): void {
  const { headDim, rope } = model.hyper
  const pairs = headDim / 2
  for (let pair = 0; pair < pairs; pair++) {
    const { angle, magnitude } = rotation(model, pair, position)
    const cos = Math.cos(angle) * magnitude
    const sin = Math.sin(angle) * magnitude
    for (let start = 0; start < heads.length; start += headDim) {
      const a = start + (rope.pairing === 'adjacent' ? 2 * pair : pair)
      const b = rope.pairing === 'adjacent' ? a + 1 : a + pairs
      const [x, y] = [heads[a] as number, heads[b] as number]
      heads[a] = x * cos - y * sin
      heads[b] = x * sin + y * cos
    }
  }
}

function rotation(
  { hyper, weights }: ReferenceModel,
  pair: number,
  position: number
): { angle: number; magnitude: number } {
  const { base, dims, scaling } = hyper.rope
  const factorOfPair = weights.get('ropeFreqs -1')?.values[pair] ?? 1
  const plain = (position * base ** ((-2 * pair) / dims)) / factorOfPair
  switch (scaling.type) {
    case 'none':
      return { angle: plain, magnitude: 1 }
    case 'linear':
      return { angle: plain / scaling.factor, magnitude: 1 }
    case 'llama3': {
      const { factor, lowFreqFactor, highFreqFactor, originalContext } = scaling
      const turns = (originalContext * base ** ((-2 * pair) / dims)) / (2 * Math.PI)
      const share = clamp((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor))
      return { angle: (plain / factor) * (1 - share) + plain * share, magnitude: 1 }
    }
    case 'yarn': {
      const { factor, originalContext, attnFactor, betaFast, betaSlow, extFactor } = scaling
      // The pair that turns `turns` times within the original context.
      const pairOf = (turns: number) =>
        (dims * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(base))
      const low = Math.max(0, Math.floor(pairOf(betaFast)))
      const high = Math.min(dims - 1, Math.ceil(pairOf(betaSlow)))
      const share = (1 - clamp((pair - low) / Math.max(0.001, high - low))) * extFactor
      return {
        angle: (plain / factor) * (1 - share) + plain * share,
        magnitude: attnFactor * (0.1 * Math.log(factor) + 1)
      }
    }
  }
}

function rmsNorm(x: Float64Array, norm: Weights, epsilon: number): Float64Array {
  const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length
  const scale = 1 / Math.sqrt(mean + epsilon)
  return x.map((value, i) => value * scale * (norm.values[i] as number))
}

/** Norms each head by itself, where the model has such norms. */
function normHeads(
  model: ReferenceModel,
  role: TensorRole,
  layer: number,
  heads: Float64Array
): void {
  const norm = model.weights.get(`${role} ${layer}`)
  if (!norm) return
  const { headDim, normEpsilon } = model.hyper
  for (let start = 0; start < heads.length; start += headDim) {
    const head = heads.subarray(start, start + headDim)
    head.set(rmsNorm(head, norm, normEpsilon))
  }
}

/** Four rows side by side, because an addition waits for the one before it in its own row only. */
function product({ rows, cols, values }: Weights, x: Float64Array): Float64Array {
  const out = new Float64Array(rows)
  let row = 0
  for (; row + 4 <= rows; row += 4) {
    const [a, b, c, d] = [row * cols, (row + 1) * cols, (row + 2) * cols, (row + 3) * cols]
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0]
    for (let i = 0; i < cols; i++) {
      const value = x[i] as number
      sumA += (values[a + i] as number) * value
      sumB += (values[b + i] as number) * value
      sumC += (values[c + i] as number) * value
      sumD += (values[d + i] as number) * value
    }
    out.set([sumA, sumB, sumC, sumD], row)
  }
  for (; row < rows; row++) {
    let sum = 0
    for (let i = 0; i < cols; i++) sum += (values[row * cols + i] as number) * (x[i] as number)
    out[row] = sum
  }
  return out
}

function withBias(
  model: ReferenceModel,
  role: TensorRole,
  layer: number,
  x: Float64Array
): Float64Array {
  const bias = model.weights.get(`${role} ${layer}`)
  return bias ? x.map((value, i) => value + (bias.values[i] as number)) : x
}

function add(x: Float64Array, more: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + (more[i] as number)
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value))
}

function weight(model: ReferenceModel, role: TensorRole, layer: number): Weights {
  const found = model.weights.get(`${role} ${layer}`)
  if (!found) throw new Error(`the model has no ${role} in layer ${layer}`)
  return found
}
