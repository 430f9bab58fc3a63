// Prefill of 128 and decode of 64 tokens on a model of TinyLlama's shape, Q4_K_M, ours and llama.cpp in
// turn in one process (A B A B), so that whatever else the machine does reaches both. The claim is the
// median of the pairs' ratios. llama.cpp runs through its Node package, whose decode is slower than
// llama.cpp's own bench: about 1.15 times at one thread and 1.3 to 1.6 times at two.

import { statSync } from 'node:fs'
import { loadKernels } from '../src/compute/addon.ts'
import { NativeStage } from '../src/compute/native-stage.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'
import { shape1b } from '../src/model/synthetic/spec.ts'
import { LlamaEngine, llamaMissing } from './llama.ts'
import { benchModel } from './models.ts'
import { cpuTimes, disturbance, median, spread } from './statistics.ts'

const PREFILL_TOKENS = 128
const DECODE_TOKENS = 64
const CONTEXT_TOKENS = PREFILL_TOKENS + DECODE_TOKENS + 16

interface Sample {
  prefill: number
  decode: number
}

export async function engineBench(args: string[]): Promise<void> {
  const pairsAt = args.indexOf('--pairs')
  const pairs = pairsAt >= 0 ? Number(args[pairsAt + 1]) : 5
  const path = await benchModel({ ...shape1b, quant: 'Q4_K_M' })
  const { table } = loadKernels()
  const missing = llamaMissing()
  if (missing) console.log(missing)
  console.log(`1.1B shape, Q4_K_M, ${statSync(path).size} bytes; our kernels: ${table}`)
  for (const threads of [1, 2]) {
    await comparison(path, threads, pairs, missing === null)
  }
}

async function comparison(path: string, threads: number, pairs: number, both: boolean) {
  const model = await readStageModel(path)
  const stage = new NativeStage(model, threads)
  await stage.load({ start: 0, end: stage.nLayers })
  const llama = both
    ? await LlamaEngine.open(path, { threads, contextTokens: CONTEXT_TOKENS, kvType: 'F16' })
    : null
  const ids = Array.from({ length: PREFILL_TOKENS }, (_, i) => 3 + ((i * 7919) % 30_000))
  const ours: Sample[] = []
  const theirs: Sample[] = []
  const before = cpuTimes()
  for (let pair = 0; pair <= pairs; pair++) {
    const our = await ourSample(stage, ids)
    const their = llama ? await llamaSample(llama, ids) : null
    // The first pair warms caches and page tables.
    if (pair === 0) continue
    ours.push(our)
    if (their) theirs.push(their)
  }
  console.log(
    `\n${threads} thread${threads > 1 ? 's' : ''}, ${pairs} pairs; ${disturbance(before, cpuTimes())}`
  )
  for (const what of ['prefill', 'decode'] as const) {
    const our = median(ours.map((sample) => sample[what]))
    const ratios = theirs.map((their, i) => (ours[i] as Sample)[what] / their[what])
    const peer = llama
      ? `  llama.cpp ${median(theirs.map((sample) => sample[what])).toFixed(1)}` +
        `  ratio ${median(ratios).toFixed(2)} (${spread(ratios)})`
      : ''
    console.log(`  ${what.padEnd(8)} ours ${our.toFixed(1)} tokens/s${peer}`)
  }
  const bytesPerSecond = median(ours.map(({ decode }) => decode)) * stage.weightBytes
  console.log(`  decode reads ${(bytesPerSecond / 1e9).toFixed(1)} GB/s of weights`)
  await stage.close()
  await llama?.close()
}

async function ourSample(stage: NativeStage, ids: number[]): Promise<Sample> {
  const range = { start: 0, end: stage.nLayers }
  const cache = stage.openCache(range, CONTEXT_TOKENS, 'f16')
  const sampler = stage.openSampler({
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    presencePenalty: 0,
    frequencyPenalty: 0,
    seed: 0,
    bias: []
  })
  const start = performance.now()
  const nTokens = ids.length
  await stage.step({ cache, range, position: 0, nTokens, ids: Int32Array.from(ids), sampler })
  const prefilled = performance.now()
  let id = 1
  for (let i = 0; i < DECODE_TOKENS; i++) {
    const position = nTokens + i
    const { token } = await stage.step({
      cache,
      range,
      position,
      nTokens: 1,
      ids: Int32Array.of(id),
      sampler
    })
    id = token?.id ?? 0
  }
  const end = performance.now()
  cache.close()
  return {
    prefill: (nTokens * 1000) / (prefilled - start),
    decode: (DECODE_TOKENS * 1000) / (end - prefilled)
  }
}

async function llamaSample(llama: LlamaEngine, ids: number[]): Promise<Sample> {
  const prefillMs = await llama.prefillMs(ids)
  const decodeMs = await llama.decodeMs(DECODE_TOKENS)
  return { prefill: (ids.length * 1000) / prefillMs, decode: 1000 / decodeMs }
}
