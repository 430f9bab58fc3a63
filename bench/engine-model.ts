// The rows that one model file gives: decode and prefill beside llama.cpp, and steps of a few positions.
// Both engines are loaded in one process and run in turn, ours first.

import { runsAvx2 } from './engine-avx2.ts'
import { CONTEXT_TOKENS, type EngineOptions } from './engine-options.ts'
import {
  AVX2_GOAL,
  BATCH_GOAL,
  decodeRatioGoal,
  decodeShareGoal,
  ownBenchFactor,
  prefillGoal,
  type BenchType
} from './engine-goals.ts'
import { OurEngine, tokenAt } from './engine-ours.ts'
import { circumstances, printFigure, takePairs, type Pair } from './engine-pair.ts'
import { LlamaEngine } from './llama.ts'
import { median } from './statistics.ts'

const PREFILL_TOKENS = 512
const BATCHES = [4, 8, 16, 32]
/** Positions of one sample of a batch row: several steps of a few, so that it takes a while. */
const BATCH_SAMPLE_TOKENS = 64
/** llama.cpp's prompt before a decode, like ours. */
const PROMPT = Array.from({ length: 16 }, (_, i) => tokenAt(i))

/** Milliseconds of the same work; theirs is NaN without llama.cpp. */
interface Both {
  ours: number
  theirs: number
}

interface Bench {
  ours: OurEngine
  llama: LlamaEngine | null
  type: BenchType
  threads: number
  options: EngineOptions
  /** Of the shape, for the lines printed. */
  label: string
}

export async function modelRows(
  path: string,
  type: BenchType,
  threads: number,
  options: EngineOptions,
  withLlama: boolean
): Promise<void> {
  const ours = await OurEngine.open(path, threads)
  const llama = withLlama
    ? await LlamaEngine.open(path, { threads, contextTokens: CONTEXT_TOKENS, kvType: 'F16' })
    : null
  if (options.isAvx2 && llama && !runsAvx2()) throw new Error('llama.cpp runs with more than AVX2')
  const label = `${options.shape} ${type} t=${threads}`
  const bench = { ours, llama, type, threads, options, label }
  try {
    if (options.rows.has('decode')) await decodeRows(bench)
    if (options.rows.has('prefill')) await prefillRow(bench)
    if (options.rows.has('batch')) for (const count of BATCHES) await batchRow(bench, count)
  } finally {
    await ours.close()
    await llama?.close()
  }
}

async function decodeRows(bench: Bench): Promise<void> {
  const { ours, llama, type, threads, options, label } = bench
  const count = options.decodeTokens
  const taken = await takePairs(options.pairs, threads, async (): Promise<Both> => {
    const our = await ours.decodeMs(count)
    if (!llama) return { ours: our, theirs: NaN }
    await llama.prefillMs(PROMPT)
    return { ours: our, theirs: await llama.decodeMs(count) }
  })
  const { pairs } = taken
  const note = circumstances(taken)
  const bytesPerSecond = ({ value }: Pair<Both>) => (ours.bytesPerToken * 1000) / value.ours
  printFigure({
    row: 'decode: share of read bandwidth',
    of: label,
    ...(options.isAvx2 ? { must: 0, aim: 0 } : decodeShareGoal(type, threads)),
    values: pairs.map((pair) => bytesPerSecond(pair) / pair.read),
    detail: `${speed(pairs, 1)}, reads ${gigas(median(pairs.map(bytesPerSecond)))} of ${gigas(
      median(pairs.map(({ read }) => read))
    )} GB/s; ${note}`
  })
  if (!llama) return
  const factor = ownBenchFactor(threads)
  const ratios = pairs.map(({ value }) => value.theirs / value.ours)
  const goal = options.isAvx2 ? AVX2_GOAL : decodeRatioGoal(type, threads)
  const theirRead = median(
    pairs.map(({ value, read }) => (ours.bytesPerToken * 1000) / value.theirs / read)
  )
  printFigure({
    row: "decode: to llama.cpp's own bench",
    of: label,
    ...goal,
    values: ratios.map((ratio) => ratio / factor),
    detail:
      `to its Node package ${median(ratios).toFixed(2)}, whose decode is slower by ${factor}; ` +
      `llama.cpp ${speed(pairs, 1, 'theirs')}, reads ${theirRead.toFixed(2)} of the bandwidth`
  })
}

async function prefillRow(bench: Bench): Promise<void> {
  const { ours, llama, type, threads, options, label } = bench
  const taken = await takePairs(options.pairs, threads, async (): Promise<Both> => ({
    ours: await ours.prefillMs(PREFILL_TOKENS),
    theirs: (await llama?.prefillMs(prompt(PREFILL_TOKENS))) ?? NaN
  }))
  const goal = options.isAvx2 ? AVX2_GOAL : prefillGoal(type)
  printRatio(bench, 'prefill 512: to llama.cpp', label, goal, taken.pairs, PREFILL_TOKENS, taken)
}

async function batchRow(bench: Bench, count: number): Promise<void> {
  const { ours, llama, threads, options, label } = bench
  const steps = BATCH_SAMPLE_TOKENS / count
  const taken = await takePairs(options.pairs, threads, async (): Promise<Both> => {
    let [our, their] = [0, 0]
    for (let i = 0; i < steps; i++) our += await ours.prefillMs(count)
    for (let i = 0; i < steps; i++) their += (await llama?.prefillMs(prompt(count))) ?? NaN
    return { ours: our / steps, theirs: their / steps }
  })
  const goal = options.isAvx2 ? AVX2_GOAL : BATCH_GOAL
  printRatio(bench, `batch of ${count}: to llama.cpp`, label, goal, taken.pairs, count, taken)
}

function printRatio(
  { ours, llama, options }: Bench,
  row: string,
  of: string,
  goal: { must: number; aim: number },
  pairs: Pair<Both>[],
  tokens: number,
  taken: Parameters<typeof circumstances>[0]
): void {
  const msOf = median(pairs.map(({ value }) => value.ours))
  const operations = (2 * ours.weightsPerPosition * tokens * 1000) / msOf
  const peak = options.ceilings(ours.isFloat)
  const own =
    `${speed(pairs, tokens)}, ${(operations / 1e9).toFixed(0)} Gop/s of ` +
    `${(peak / 1e9).toFixed(0)} in the ceilings`
  if (!llama) return console.log(`${row.padEnd(37)}${of.padEnd(22)} ours ${own}`)
  const values = pairs.map(({ value }) => value.theirs / value.ours)
  const detail = `${own}; llama.cpp ${speed(pairs, tokens, 'theirs')}; ${circumstances(taken)}`
  printFigure({ row, of, ...goal, values, detail })
}

function prompt(count: number): number[] {
  return Array.from({ length: count }, (_, i) => tokenAt(i))
}

function speed(pairs: Pair<Both>[], tokens: number, whose: keyof Both = 'ours'): string {
  const ms = median(pairs.map(({ value }) => value[whose]))
  return `${((tokens * 1000) / ms).toFixed(1)} tokens/s`
}

function gigas(value: number): string {
  return (value / 1e9).toFixed(1)
}
