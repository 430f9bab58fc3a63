// Which keys and tensors a generated model has, and how large the values of each tensor are. Owns the
// translation of a spec into what a GGUF file of that architecture must contain, for llama.cpp too.
// Pure; write-model.ts makes the bytes.

import { encodeGgufHeader, type GgufHeader } from '../gguf-writer.ts'
import type { GgufValue } from '../metadata.ts'
import type { TensorRole } from '../tensors.ts'
import { tensorTypeNamed, type SupportedType } from '../tensor-types.ts'
import { fileType, matrixType } from './quant-mixture.ts'
import type { SyntheticSpec } from './spec.ts'
import { makeVocabulary } from './vocabulary.ts'

export interface PlannedTensor {
  role: TensorRole
  name: string
  type: SupportedType
  shape: number[]
  std: number
  /** Added to every value; vectors only. */
  mean: number
  /** Rows before are of tokens that should rarely be drawn; write-model.ts makes them smaller. */
  firstFullRow: number
}

export interface ModelPlan {
  header: GgufHeader
  tensors: PlannedTensor[]
}

/** @throws USAGE_BAD_VALUE */
export function planModel(spec: SyntheticSpec): ModelPlan {
  const vocabulary = makeVocabulary(spec)
  const tensors = planTensors(spec, vocabulary.firstWordId)
  const header = encodeGgufHeader({
    metadata: [...modelMetadata(spec), ...vocabulary.metadata],
    tensors: tensors.map(({ name, type, shape }) => ({
      name,
      shape,
      typeId: tensorTypeNamed(type).id
    }))
  })
  return { header, tensors }
}

function modelMetadata(spec: SyntheticSpec): [string, GgufValue][] {
  const u32 = (name: string, value: number): [string, GgufValue] => [
    `${spec.architecture}.${name}`,
    { type: 'u32', value }
  ]
  const f32 = (name: string, value: number): [string, GgufValue] => [
    `${spec.architecture}.${name}`,
    { type: 'f32', value }
  ]
  return [
    ['general.architecture', { type: 'string', value: spec.architecture }],
    ['general.name', { type: 'string', value: spec.name }],
    ['general.file_type', { type: 'u32', value: fileType(spec) }],
    ['general.quantization_version', { type: 'u32', value: 2 }],
    u32('context_length', spec.contextLength),
    u32('embedding_length', spec.dim),
    u32('block_count', spec.nLayers),
    u32('feed_forward_length', spec.hiddenDim),
    u32('attention.head_count', spec.nHeads),
    u32('attention.head_count_kv', spec.nKvHeads),
    u32('attention.key_length', spec.headDim),
    u32('attention.value_length', spec.headDim),
    f32('attention.layer_norm_rms_epsilon', 1e-5),
    u32('rope.dimension_count', spec.headDim),
    f32('rope.freq_base', spec.ropeBase),
    u32('vocab_size', spec.vocabSize),
    ...scalingMetadata(spec, u32, f32)
  ]
}

function scalingMetadata(
  { architecture, ropeScaling }: SyntheticSpec,
  u32: (name: string, value: number) => [string, GgufValue],
  f32: (name: string, value: number) => [string, GgufValue]
): [string, GgufValue][] {
  if (!ropeScaling || ropeScaling.type === 'none') return []
  const keys: [string, GgufValue][] = [
    [`${architecture}.rope.scaling.type`, { type: 'string', value: ropeScaling.type }],
    f32('rope.scaling.factor', ropeScaling.factor)
  ]
  if (ropeScaling.type === 'linear') return keys
  keys.push(u32('rope.scaling.original_context_length', ropeScaling.originalContext))
  if (ropeScaling.type === 'llama3') {
    keys.push(f32('rope.scaling.low_freq_factor', ropeScaling.lowFreqFactor))
    keys.push(f32('rope.scaling.high_freq_factor', ropeScaling.highFreqFactor))
  } else {
    keys.push(f32('rope.scaling.attn_factor', ropeScaling.attnFactor))
    keys.push(f32('rope.scaling.yarn_beta_fast', ropeScaling.betaFast))
    keys.push(f32('rope.scaling.yarn_beta_slow', ropeScaling.betaSlow))
    keys.push(f32('rope.scaling.yarn_ext_factor', ropeScaling.extFactor))
  }
  return keys
}

function planTensors(spec: SyntheticSpec, firstWordId: number): PlannedTensor[] {
  const { dim, hiddenDim, headDim, nHeads, nKvHeads, vocabSize, architecture } = spec
  const qDim = nHeads * headDim
  const kvDim = nKvHeads * headDim
  // With 1 / sqrt(cols) a matrix keeps the size of its input. Queries and keys are larger, for attention
  // that is not uniform, and so is the head, for logits that differ. The embedding has elements around
  // 1, so that the last token decides more than the rest; a tied one must be small, or each token would
  // predict itself.
  const matrix = (
    role: TensorRole,
    name: string,
    layer: number,
    [rows, cols]: [number, number],
    gain = 1
  ): PlannedTensor => ({
    role,
    name,
    type: matrixType(spec, role, layer, cols),
    shape: [cols, rows],
    std: gain * inverseRoot(cols),
    mean: 0,
    firstFullRow: role === 'output' || role === 'tokenEmbedding' ? firstWordId : 0
  })
  const vector = (role: TensorRole, name: string, length: number, mean: number): PlannedTensor => ({
    role,
    name,
    type: 'F32',
    shape: [length],
    std: 0.125,
    mean,
    firstFullRow: 0
  })

  const tensors = [
    matrix(
      'tokenEmbedding',
      'token_embd.weight',
      -1,
      [vocabSize, dim],
      spec.tied ? 2 : 1 / inverseRoot(dim)
    )
  ]
  if (spec.ropeFreqs) tensors.push(vector('ropeFreqs', 'rope_freqs.weight', headDim / 2, 0))
  const withBiases = architecture === 'qwen2' || (architecture === 'llama' && spec.biases)
  for (let layer = 0; layer < spec.nLayers; layer++) {
    const at = (name: string) => `blk.${layer}.${name}`
    tensors.push(
      vector('attnNorm', at('attn_norm.weight'), dim, 1),
      matrix('attnQ', at('attn_q.weight'), layer, [qDim, dim], 1.5),
      matrix('attnK', at('attn_k.weight'), layer, [kvDim, dim], 1.5),
      matrix('attnV', at('attn_v.weight'), layer, [kvDim, dim])
    )
    if (withBiases) {
      tensors.push(
        vector('attnQBias', at('attn_q.bias'), qDim, 0),
        vector('attnKBias', at('attn_k.bias'), kvDim, 0),
        vector('attnVBias', at('attn_v.bias'), kvDim, 0)
      )
    }
    if (architecture === 'qwen3') {
      tensors.push(
        vector('attnQNorm', at('attn_q_norm.weight'), headDim, 1),
        vector('attnKNorm', at('attn_k_norm.weight'), headDim, 1)
      )
    }
    tensors.push(
      matrix('attnOutput', at('attn_output.weight'), layer, [dim, qDim], 0.5),
      vector('ffnNorm', at('ffn_norm.weight'), dim, 1),
      matrix('ffnGate', at('ffn_gate.weight'), layer, [hiddenDim, dim]),
      matrix('ffnUp', at('ffn_up.weight'), layer, [hiddenDim, dim]),
      matrix('ffnDown', at('ffn_down.weight'), layer, [dim, hiddenDim])
    )
  }
  tensors.push(vector('outputNorm', 'output_norm.weight', dim, 1))
  if (!spec.tied) tensors.push(matrix('output', 'output.weight', -1, [vocabSize, dim], 4))
  return tensors
}

/** 1 / sqrt(n) by whole numbers: Math.sqrt is not exact by the letter of the language. */
function inverseRoot(n: number): number {
  const square = n * 2 ** 32
  let root = 2 ** 26
  for (;;) {
    const next = Math.floor((root + Math.floor(square / root)) / 2)
    if (next >= root) return 2 ** 16 / root
    root = next
  }
}
