// The parts of the engine's bench that a command line chooses. The whole takes hours: every format at one
// and two threads on two shapes, each figure the median of nine pairs.

import { parseArgs } from 'node:util'

import { BENCH_TYPES, type BenchType } from './engine-goals.ts'

export const ROWS = [
  'decode',
  'prefill',
  'batch',
  'neighbour',
  'avx2',
  'context',
  'disk',
  'predict'
] as const
export type Row = (typeof ROWS)[number]

const SHAPES = ['1b', '8b'] as const
export type Shape = (typeof SHAPES)[number]

const THREADS = ['1', '2'] as const

/** Positions that a context of llama.cpp holds here. */
export const CONTEXT_TOKENS = 640
const PAIRS = 9
/** Tokens of one decode sample: one or two seconds either way. */
const DECODE_TOKENS = { '1b': 48, '8b': 12 }

export interface EngineOptions {
  rows: Set<Row>
  types: readonly BenchType[]
  threads: readonly number[]
  shape: Shape
  pairs: number
  decodeTokens: number
  /** Whether both engines are held to AVX2, in a process of their own. */
  isAvx2: boolean
  /** Operations per second that the instructions allow with these threads, of floats or of bytes. */
  ceilings: (ofFloats: boolean) => number
}

export interface Choice {
  rows: Set<Row>
  types: readonly BenchType[]
  threads: readonly number[]
  shapes: readonly Shape[]
  pairs: number
  keep: boolean
  isAvx2: boolean
}

export function readOptions(args: string[]): Choice {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: ROWS.join() },
      types: { type: 'string', default: BENCH_TYPES.join() },
      threads: { type: 'string', default: THREADS.join() },
      shape: { type: 'string', default: SHAPES.join() },
      pairs: { type: 'string', default: String(PAIRS) },
      keep: { type: 'boolean', default: false },
      'held-to-avx2': { type: 'boolean', default: false }
    }
  })
  return {
    rows: new Set(someOf(values.rows, ROWS)),
    types: someOf(values.types, BENCH_TYPES),
    threads: someOf(values.threads, THREADS).map(Number),
    shapes: someOf(values.shape, SHAPES),
    pairs: Number(values.pairs),
    keep: values.keep,
    isAvx2: values['held-to-avx2']
  }
}

export function decodeTokens(shape: Shape): number {
  return DECODE_TOKENS[shape]
}

function someOf<T extends string>(given: string, known: readonly T[]): readonly T[] {
  const names = given.split(',')
  const chosen = known.filter((one) => names.includes(one))
  if (chosen.length === names.length) return chosen
  throw new Error(`${given} is not some of ${known.join()}`)
}
