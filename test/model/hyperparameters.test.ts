import test, { type Test } from 'brittle'
import { SwarmError, type ErrorCode } from '../../src/base/errors.ts'
import { CONTEXT_TOKENS_MAX, LAYERS_MAX } from '../../src/base/limits.ts'
import { FileSource } from '../../src/model/byte-source.ts'
import { readGguf } from '../../src/model/gguf.ts'
import { readHyperparameters } from '../../src/model/hyperparameters.ts'
import type { GgufValue } from '../../src/model/metadata.ts'
import { smallLlama, smallQwen2, smallQwen3 } from '../../src/model/synthetic/spec.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { changedHeader } from '../helpers/model-header.ts'

const u32 = (value: number): GgufValue => ({ type: 'u32', value })
const f32 = (value: number): GgufValue => ({ type: 'f32', value })
const text = (value: string): GgufValue => ({ type: 'string', value })
const flag = (value: boolean): GgufValue => ({ type: 'bool', value })

async function llamaWith(keys: Record<string, GgufValue | null>) {
  return readHyperparameters(await changedHeader(smallLlama, { keys }))
}

async function refuses(
  t: Test,
  keys: Record<string, GgufValue | null>,
  code: ErrorCode,
  message: RegExp
): Promise<void> {
  const error = await llamaWith(keys).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : String(error), code, Object.keys(keys).join())
  t.ok(message.test(String(error)), String(error))
}

test('hyperparameters - each architecture reads back its spec', async (t) => {
  for (const spec of [smallLlama, smallQwen2, smallQwen3]) {
    const hyper = readHyperparameters(await changedHeader(spec))
    const { architecture, name, dim, hiddenDim, nLayers, nHeads, nKvHeads, headDim } = spec
    t.alike(hyper, {
      architecture,
      name,
      dim,
      hiddenDim,
      nLayers,
      nHeads,
      nKvHeads,
      headDim,
      vocabSize: spec.vocabSize,
      contextLength: spec.contextLength,
      normEpsilon: Math.fround(1e-5),
      rope: {
        pairing: architecture === 'llama' ? 'adjacent' : 'halves',
        dims: headDim,
        base: spec.ropeBase,
        scaling: { type: 'none' }
      }
    })
  }
})

test('hyperparameters - absent keys have the defaults of the format', async (t) => {
  const hyper = await llamaWith({
    'general.name': null,
    'llama.attention.head_count_kv': null,
    'llama.attention.key_length': null,
    'llama.attention.value_length': null,
    'llama.rope.dimension_count': null,
    'llama.rope.freq_base': null
  })
  t.is(hyper.name, '')
  t.is(hyper.nKvHeads, hyper.nHeads)
  t.is(hyper.headDim, hyper.dim / hyper.nHeads)
  t.is(hyper.rope.base, 10_000)
})

test('hyperparameters - a missing key is named', async (t) => {
  for (const key of [
    'general.architecture',
    'llama.embedding_length',
    'llama.feed_forward_length',
    'llama.block_count',
    'llama.attention.head_count',
    'llama.context_length',
    'llama.attention.layer_norm_rms_epsilon'
  ]) {
    await refuses(t, { [key]: null }, 'MODEL_BAD_METADATA', new RegExp(`'${key}' is missing`))
  }
  const none = { 'tokenizer.ggml.tokens': null, 'llama.vocab_size': null }
  await refuses(t, none, 'MODEL_BAD_METADATA', /tokenizer\.ggml\.tokens/)
})

test('hyperparameters - a key of another type is named', async (t) => {
  const code = 'MODEL_BAD_METADATA'
  await refuses(t, { 'llama.block_count': f32(4) }, code, /llama\.block_count.*f32/)
  await refuses(t, { 'llama.block_count': text('4') }, code, /llama\.block_count.*string/)
  await refuses(t, { 'general.architecture': u32(1) }, code, /general\.architecture.*u32/)
  await refuses(t, { 'llama.rope.freq_base': u32(10_000) }, code, /freq_base.*u32/)
  const big: GgufValue = { type: 'u64', value: 2n ** 63n }
  await refuses(t, { 'llama.block_count': big }, code, /llama\.block_count/)
})

test('hyperparameters - counts out of range are refused', async (t) => {
  const code = 'MODEL_BAD_METADATA'
  for (const [key, values] of [
    ['llama.block_count', [0, LAYERS_MAX + 1, 2 ** 32 - 1]],
    ['llama.embedding_length', [0, 65_537]],
    ['llama.feed_forward_length', [0, 262_145]],
    ['llama.attention.head_count', [0, 1025]],
    ['llama.attention.head_count_kv', [0, 3, 8]],
    ['llama.context_length', [0]],
    ['llama.attention.key_length', [0, 1026]]
  ] as const) {
    const both = key.endsWith('key_length') ? 'llama.attention.value_length' : key
    for (const value of values) {
      const pattern = new RegExp(key.replaceAll('.', '\\.'))
      await refuses(t, { [key]: u32(value), [both]: u32(value) }, code, pattern)
    }
  }
})

test('hyperparameters - an odd head and a head that does not divide are refused', async (t) => {
  const odd = { 'llama.attention.key_length': u32(63), 'llama.attention.value_length': u32(63) }
  await refuses(t, odd, 'MODEL_BAD_METADATA', /odd/)
  const broken = {
    'llama.attention.key_length': null,
    'llama.attention.value_length': null,
    'llama.attention.head_count': u32(6)
  }
  await refuses(t, broken, 'MODEL_BAD_METADATA', /not a whole number/)
})

test('hyperparameters - epsilon and base must be positive and finite', async (t) => {
  for (const value of [0, -1e-5, NaN, Infinity]) {
    for (const key of ['llama.attention.layer_norm_rms_epsilon', 'llama.rope.freq_base']) {
      await refuses(t, { [key]: f32(value) }, 'MODEL_BAD_METADATA', /positive/)
    }
  }
})

test('hyperparameters - a context of millions is bounded, not refused', async (t) => {
  const hyper = await llamaWith({ 'llama.context_length': u32(4_194_304) })
  t.is(hyper.contextLength, CONTEXT_TOKENS_MAX)
})

test('hyperparameters - computations that we lack are refused by the name of their key', async (t) => {
  const code = 'MODEL_UNSUPPORTED_ARCHITECTURE'
  for (const [key, value] of [
    ['expert_count', u32(8)],
    ['expert_used_count', u32(2)],
    ['use_parallel_residual', flag(true)],
    ['attention.causal', flag(false)],
    ['attention.sliding_window', u32(128)],
    ['attention.clamp_kqv', f32(8)],
    ['attention.scale', f32(0.015)],
    ['attn_logit_softcapping', f32(50)],
    ['final_logit_softcapping', f32(30)],
    ['logit_scale', f32(8)],
    ['residual_scale', f32(0.2)],
    ['embedding_scale', f32(12)],
    ['attention.value_length', u32(32)],
    ['rope.dimension_count', u32(32)],
    ['rope.scaling.type', text('longrope')]
  ] as const) {
    await refuses(t, { [`llama.${key}`]: value }, code, new RegExp(key.replaceAll('.', '\\.')))
  }
  const perLayer: GgufValue = { type: 'array', of: 'u32', value: Uint32Array.of(4, 4, 2, 2) }
  await refuses(t, { 'llama.attention.head_count': perLayer }, code, /layer to layer/)
  await refuses(t, { 'general.architecture': text('mamba') }, code, /'mamba'.*llama, qwen2, qwen3/)
})

test('hyperparameters - neutral values of the same keys are accepted', async (t) => {
  const hyper = await llamaWith({
    'llama.expert_count': u32(0),
    'llama.use_parallel_residual': flag(false),
    'llama.attention.causal': flag(true),
    'llama.attention.sliding_window': u32(smallLlama.contextLength),
    'llama.logit_scale': f32(1)
  })
  t.is(hyper.nLayers, 4)
})

test('rope - scaling is read as llama.cpp reads it', async (t) => {
  const scaling = async (keys: Record<string, GgufValue>) => {
    const prefixed = Object.entries(keys).map(([key, value]) => [`llama.rope.${key}`, value])
    return (await llamaWith(Object.fromEntries(prefixed))).rope.scaling
  }
  t.alike(await scaling({ scale_linear: f32(2) }), { type: 'linear', factor: 2 })
  t.alike(await scaling({ 'scaling.factor': f32(4) }), { type: 'linear', factor: 4 })
  t.alike(await scaling({ 'scaling.factor': f32(0) }), { type: 'none' })
  const none = { 'scaling.type': text('none'), 'scaling.factor': f32(4) }
  t.alike(await scaling(none), { type: 'none' })
  const yarn = { 'scaling.type': text('yarn'), 'scaling.factor': f32(4) }
  t.alike(await scaling(yarn), {
    type: 'yarn',
    factor: 4,
    originalContext: 512,
    attnFactor: 1,
    betaFast: 32,
    betaSlow: 1,
    extFactor: 1
  })
  t.alike(
    await scaling({
      ...yarn,
      'scaling.original_context_length': u32(128),
      'scaling.attn_factor': f32(0.5),
      'scaling.yarn_beta_fast': f32(16),
      'scaling.yarn_beta_slow': f32(2),
      'scaling.yarn_ext_factor': f32(0.5)
    }),
    {
      type: 'yarn',
      factor: 4,
      originalContext: 128,
      attnFactor: 0.5,
      betaFast: 16,
      betaSlow: 2,
      extFactor: 0.5
    }
  )
  const llama3 = { 'scaling.type': text('llama3'), 'scaling.factor': f32(8) }
  t.alike(await scaling({ ...llama3, 'scaling.original_context_length': u32(8192) }), {
    type: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalContext: 8192
  })
})

test('rope - scaling out of range is refused', async (t) => {
  const code = 'MODEL_BAD_METADATA'
  const yarn = { 'llama.rope.scaling.type': text('yarn') }
  for (const [key, value] of [
    ['factor', f32(-1)],
    ['factor', f32(0.5)],
    ['factor', f32(NaN)],
    ['original_context_length', u32(0)],
    ['yarn_beta_fast', f32(0.5)],
    ['yarn_ext_factor', f32(2)],
    ['yarn_ext_factor', f32(-1)]
  ] as const) {
    await refuses(t, { ...yarn, [`llama.rope.scaling.${key}`]: value }, code, new RegExp(key))
  }
  const llama3 = { 'llama.rope.scaling.type': text('llama3') }
  const equal = { ...llama3, 'llama.rope.scaling.high_freq_factor': f32(1) }
  await refuses(t, equal, code, /high_freq_factor/)
  const magnitude = { ...yarn, 'llama.rope.scaling.yarn_log_multiplier': f32(0.1) }
  await refuses(t, magnitude, 'MODEL_UNSUPPORTED_ARCHITECTURE', /yarn_log_multiplier/)
  const linear = { 'llama.rope.scaling.attn_factor': f32(1.2) }
  await refuses(t, linear, 'MODEL_UNSUPPORTED_ARCHITECTURE', /attn_factor/)
})

dataTest(
  'hyperparameters - a real trained model reads as its makers describe it',
  {},
  async (t) => {
    const source = await FileSource.open(dataPath('stories260K', 'stories260K-F32.gguf'))
    t.teardown(() => source.close())
    const hyper = readHyperparameters(await readGguf(source))
    t.alike(hyper, {
      architecture: 'llama',
      name: 'stories260K',
      dim: 64,
      hiddenDim: 172,
      nLayers: 5,
      nHeads: 8,
      nKvHeads: 4,
      headDim: 8,
      vocabSize: 512,
      contextLength: 512,
      normEpsilon: Math.fround(1e-5),
      rope: { pairing: 'adjacent', dims: 8, base: 10_000, scaling: { type: 'none' } }
    })
  }
)
