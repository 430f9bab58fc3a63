// Damaged model files without end: each is refused with a MODEL_ error or opens as a whole model; what
// opens is loaded and run on the native engine, which may refuse it too, but never crashes. Anything else
// that is thrown, a case that takes long, and memory that grows, is a failure with its seed. The case that
// runs is on disk: after a crash it lies where the first line says.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { SwarmError } from '../../src/base/errors.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { openModel, type Model } from '../../src/model/open-model.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { VOCAB_MIN } from '../../src/model/synthetic/vocabulary.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { modelFacts } from '../../src/node/model-facts.ts'
import { checkRoom } from '../../src/node/room.ts'
import { usedBytes } from '../helpers/heap.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { mapHeader, mutateModel, type Sample } from './gguf-mutations.ts'

/** A valid one takes a few milliseconds; a shared machine may hold one back. */
const CASE_MS_MAX = 5000
/** More than at first: caches, and the library's own. */
const GROWTH_BYTES_MAX = 32 * 2 ** 20
/** A file of half a megabyte must not make the process take more than this at any time. */
const RSS_GROWTH_BYTES_MAX = 400 * 2 ** 20

const SMALL = { dim: 64, hiddenDim: 96, nLayers: 2, vocabSize: VOCAB_MIN } as const
const SPECS: SyntheticSpec[] = [
  { ...smallLlama, ...SMALL, nHeads: 2, nKvHeads: 1, headDim: 32, quant: 'Q4_0' },
  { ...smallQwen2, ...SMALL, nHeads: 4, nKvHeads: 2, headDim: 16, quant: 'Q8_0' },
  { ...smallQwen3, ...SMALL, nHeads: 2, nKvHeads: 2, headDim: 48, quant: 'Q5_1' },
  { ...oddLlama, ...SMALL, nHeads: 2, nKvHeads: 1, headDim: 32, quant: 'F16' },
  { ...smallLlama, nLayers: 1, vocabSize: VOCAB_MIN, hiddenDim: 256, quant: 'Q3_K_M' }
]

export interface GgufReport {
  cases: number
  /** How often each code refused one, and how many ran or were not finite. */
  outcomes: Record<string, number>
  slowestMs: number
  grownBytes: number
  /** What went wrong, at most a few; each with the seed of its case. */
  problems: string[]
}

async function makeSamples(folder: string): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const spec of SPECS) {
    const path = join(folder, 'valid.gguf')
    await writeSyntheticModel(path, spec)
    const bytes = new Uint8Array(readFileSync(path))
    samples.push({ bytes, map: mapHeader(bytes) })
  }
  return samples
}

/** Text through the tokenizer and the template, a load and two steps. */
async function use(model: Model): Promise<void> {
  checkRoom(modelFacts(model), 2 ** 32)
  const { tokenizer, chatTemplate, hyper } = model
  const ids = tokenizer.encode('<s> the river\n<|im_end|> Zoë', { special: true, bos: true })
  if (ids.some((id) => id < 0 || id >= tokenizer.vocabSize)) throw new RangeError('id outside')
  tokenizer.decode(ids)
  chatTemplate?.render([{ role: 'user', content: 'hello' }], {
    addGenerationPrompt: true,
    bosToken: '',
    eosToken: '',
    now: new Date(0)
  })
  const stage = new NativeStage(model, 1)
  try {
    const range = { start: 0, end: hyper.nLayers }
    await stage.load([range])
    const cache = stage.openCache(range, 4, 'f16')
    const sampler = stage.openSampler(GREEDY)
    const prompt = Int32Array.of(0, hyper.vocabSize - 1, 1 % hyper.vocabSize)
    const first = await stage.step({ cache, range, position: 0, nTokens: 3, ids: prompt, sampler })
    const next = Int32Array.of(first.tokens[0]?.id ?? NaN)
    await stage.step({ cache, range, position: 3, nTokens: 1, ids: next, sampler })
    cache.close()
  } finally {
    await stage.close()
  }
}

/** Refusals that a file may earn. */
function isRefusal(error: unknown): error is SwarmError {
  if (!(error instanceof SwarmError)) return false
  return error.family === 'MODEL' || error.code === 'STAGE_NOT_FINITE'
}

/** @param count damaged files; file `i` depends on seed + i alone. */
export async function soakModels(seed: number, count: number, folder: string): Promise<GgufReport> {
  const samples = await makeSamples(folder)
  const path = join(folder, 'case.gguf')
  const report: GgufReport = {
    cases: count,
    outcomes: {},
    slowestMs: 0,
    grownBytes: 0,
    problems: []
  }
  let startBytes = 0
  let startRssBytes = 0
  for (let index = 0; index < count && report.problems.length < 5; index++) {
    if (index === Math.floor(count / 5)) {
      startBytes = usedBytes()
      startRssBytes = process.memoryUsage.rss()
    }
    const random = seededRandom(seed + index)
    const sample = samples[below(random, samples.length)] as Sample
    const other = samples[below(random, samples.length)] as Sample
    writeFileSync(path, mutateModel(random, sample, other))
    const startMs = performance.now()
    let outcome = 'ran'
    try {
      await use(await openModel(path))
    } catch (error) {
      outcome = isRefusal(error) ? error.code : 'problem'
      if (outcome === 'problem') report.problems.push(`seed ${seed + index}: ${String(error)}`)
    }
    const tookMs = performance.now() - startMs
    report.slowestMs = Math.max(report.slowestMs, tookMs)
    report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1
    if (tookMs > CASE_MS_MAX) report.problems.push(`seed ${seed + index}: took ${tookMs} ms`)
  }
  report.grownBytes = usedBytes() - startBytes
  if (report.grownBytes > GROWTH_BYTES_MAX) {
    report.problems.push(`${report.grownBytes} bytes more are held than at first`)
  }
  const rssGrowth = process.memoryUsage.rss() - startRssBytes
  if (rssGrowth > RSS_GROWTH_BYTES_MAX) report.problems.push(`${rssGrowth} bytes more are resident`)
  return report
}

export async function soakGguf(seed: number, count: number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'soak-gguf-'))
  console.log(`the case that runs is ${join(folder, 'case.gguf')}`)
  const { problems, ...figures } = await soakModels(seed, count, folder)
  rmSync(folder, { recursive: true })
  console.log(JSON.stringify(figures))
  for (const problem of problems) console.log(problem)
  console.log(
    `${count} damaged models from seed ${seed}, ${problems.length === 0 ? 'without a fault' : 'with faults'}`
  )
  return problems.length === 0
}
