// The parts of the engine's bench that a command line chooses. The whole takes hours: every format at one
// and two threads on two shapes, each figure the median of nine pairs.

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
  return {
    rows: new Set(list(args, '--rows', ROWS)),
    types: list(args, '--types', BENCH_TYPES),
    threads: list(args, '--threads', ['1', '2']).map(Number),
    shapes: list(args, '--shape', SHAPES),
    pairs: Number(valueOf(args, '--pairs') ?? PAIRS),
    keep: args.includes('--keep'),
    isAvx2: args.includes('--held-to-avx2')
  }
}

export function decodeTokens(shape: Shape): number {
  return DECODE_TOKENS[shape]
}

function valueOf(args: string[], name: string): string | undefined {
  const joined = args.find((arg) => arg.startsWith(`${name}=`))
  if (joined !== undefined) return joined.slice(name.length + 1)
  const at = args.indexOf(name)
  return at >= 0 ? args[at + 1] : undefined
}

function list<T extends string>(args: string[], name: string, known: readonly T[]): readonly T[] {
  const given = valueOf(args, name)
  if (given === undefined) return known
  const chosen = known.filter((one) => given.split(',').includes(one))
  if (chosen.length !== given.split(',').length) {
    throw new Error(`${name} takes some of ${known.join(',')}`)
  }
  return chosen
}
