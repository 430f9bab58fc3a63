// The engine beside llama.cpp and beside what this machine allows: decode, prefill, steps of a few
// positions, a busy neighbour, AVX2 only, a long context, layers from disk, and the predictions of
// `swarm bench`. Each line says what must be, what is aimed at and what was measured; engine-pair.ts says
// how. llama.cpp runs through its Node package on the same file, in turn with ours in one process.

import { availableParallelism } from 'node:os'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { loadKernels } from '../src/compute/addon.ts'
import { measure } from '../src/compute/measure.ts'
import { shape1b, shape8b, type SyntheticSpec } from '../src/model/synthetic/spec.ts'
import { avx2Rows } from './engine-avx2.ts'
import { contextRow } from './engine-context.ts'
import { diskRow } from './engine-disk.ts'
import { modelRows } from './engine-model.ts'
import { neighbourRow } from './engine-neighbour.ts'
import { decodeTokens, readOptions, type Choice, type Shape } from './engine-options.ts'
import { printHeading } from './engine-pair.ts'
import { predictRows } from './engine-predict.ts'
import { llamaMissing } from './llama.ts'
import { benchModel } from './models.ts'

import type { BenchType } from './engine-goals.ts'

const SPECS: Record<Shape, SyntheticSpec> = { '1b': shape1b, '8b': shape8b }
/** Of a file's size: our copy, and of llama.cpp the file's pages and its own repacked copy. */
const COPIES = { ours: 1.1, both: 3.1 }

export async function engineBench(args: string[]): Promise<void> {
  const choice = readOptions(args)
  const missing = llamaMissing()
  if (missing) console.log(missing)
  console.log(`our kernels: ${loadKernels().table}; ${availableParallelism()} cores`)
  const ceilings = new Map<number, Ceilings>()
  for (const threads of choice.threads) ceilings.set(threads, await printCeilings(threads))
  printHeading()
  const { rows } = choice
  if (rows.has('decode') || rows.has('prefill') || rows.has('batch')) {
    for (const shape of choice.shapes) {
      for (const type of choice.types) await modelRowsOf(shape, type, choice, ceilings, !missing)
    }
  }
  if (rows.has('neighbour')) await neighbourRow(choice.pairs, !missing)
  if (rows.has('avx2') && !missing) await avx2Rows(choice)
  if (rows.has('context')) await contextRow(choice)
  if (rows.has('disk')) await diskRow(choice)
  if (rows.has('predict')) await predictRows(choice)
}

interface Ceilings {
  int8: number
  float: number
}

async function printCeilings(threads: number): Promise<Ceilings> {
  const meters = [{ meter: 'read' }, { meter: 'int8' }, { meter: 'float' }] as const
  const [read, int8, float] = (await measure(meters, { threads })).map(({ best }) => best) as [
    number,
    number,
    number
  ]
  console.log(
    `ceilings at ${threads} thread${threads > 1 ? 's' : ''}: memory ${(read / 1e9).toFixed(1)} GB/s, ` +
      `int8 ${((2 * int8) / 1e9).toFixed(0)} Gop/s, f32 ${((2 * float) / 1e9).toFixed(0)} Gflop/s`
  )
  return { int8: 2 * int8, float: 2 * float }
}

async function modelRowsOf(
  shape: Shape,
  type: BenchType,
  choice: Choice,
  ceilings: Map<number, Ceilings>,
  hasLlama: boolean
): Promise<void> {
  // Q4_K_M is a mixture; the others are one format throughout.
  const spec = { ...SPECS[shape], quant: type, pure: type !== 'Q4_K_M' }
  const path = await benchModel(spec)
  const { size } = statSync(path)
  const free = availableBytes()
  if (size * COPIES.ours > free) {
    console.log(`${shape} ${type}: left out, ${gigas(size)} GB do not fit in ${gigas(free)} GB`)
  } else {
    const both = hasLlama && size * COPIES.both <= free
    if (hasLlama && !both) console.log(`${shape} ${type}: no room for llama.cpp beside ours`)
    for (const threads of choice.threads) {
      const { int8, float } = ceilings.get(threads) as Ceilings
      const options = {
        ...choice,
        shape,
        decodeTokens: decodeTokens(shape),
        ceilings: (ofFloats: boolean) => (ofFloats ? float : int8)
      }
      await modelRows(path, type, threads, options, both)
    }
  }
  // Files of this size are made anew sooner than they are missed.
  if (shape === '8b' && !choice.keep) rmSync(path)
}

/** What programs may take without swapping; without a figure, as much as they like. */
function availableBytes(): number {
  try {
    const found = /MemAvailable:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))
    return Number(found?.[1]) * 1024
  } catch {
    return Infinity
  }
}

function gigas(bytes: number): string {
  return (bytes / 1e9).toFixed(1)
}
