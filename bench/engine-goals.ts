// What the engine must reach and what it aims at, row by row. Decode ratios are meant against llama.cpp's
// own bench; its Node package, which this bench runs, decodes slower by a factor that was measured once on
// a two-core Zen 5, both side by side.

export interface Goal {
  must: number
  aim: number
}

/** Formats the bench runs: mixtures and formats by llama.cpp's names. */
export const BENCH_TYPES = [
  'Q2_K',
  'Q3_K',
  'Q4_K_M',
  'Q5_K',
  'Q6_K',
  'Q8_0',
  'F16',
  'BF16'
] as const
export type BenchType = (typeof BENCH_TYPES)[number]

/** llama.cpp's own bench against its Node package, decode; at two threads it was 1.3 to 1.6. */
export function ownBenchFactor(threads: number): number {
  return threads === 1 ? 1.15 : 1.45
}

/** Share of the read bandwidth that decode reaches. */
export function decodeShareGoal(type: BenchType, threads: number): Goal {
  if (threads > 1) return { must: 0.8, aim: 0.92 }
  return type === 'Q2_K' || type === 'Q3_K' ? { must: 0.65, aim: 0.8 } : { must: 0.75, aim: 0.9 }
}

/** Decode speed, ours to llama.cpp's own bench. */
export function decodeRatioGoal(type: BenchType, threads: number): Goal {
  const aim = type === 'Q2_K' ? 2 : threads === 1 ? 1.6 : 1.35
  return { must: threads === 1 ? 1.3 : 1.2, aim }
}

/** Prefill of 512, ours to llama.cpp's. */
export function prefillGoal(type: BenchType): Goal {
  if (type === 'F16') return { must: 1.15, aim: 1.25 }
  if (type === 'BF16') return { must: 0.9, aim: 1 }
  return type === 'Q4_K_M' ? { must: 2.5, aim: 4 } : { must: 3, aim: 5 }
}

/** Steps of 4 to 32 positions, ours to llama.cpp's. */
export const BATCH_GOAL: Goal = { must: 1.5, aim: 3 }
/** One busy process on one of two cores: ours with two threads to our own quiet one. */
export const NEIGHBOUR_GOAL: Goal = { must: 0.9, aim: 1 }
/** Both sides held to AVX2. */
export const AVX2_GOAL: Goal = { must: 1, aim: 1.5 }
/** Decode at 8k positions: of what reading the keys and values allows. */
export const CONTEXT_GOAL: Goal = { must: 0.7, aim: 0.9 }
/** Decode with layers from disk: of what the disk or memory allows, whichever is slower. */
export const DISK_GOAL: Goal = { must: 0.8, aim: 0.95 }
/** For whoever lacks room for one layer: a layer and a fifth is read for each token, and not two. */
export const PARTS_GOAL: Goal = { must: 1.2, aim: 1.5 }
/** Predicted to measured tokens/s, either way. */
export const PREDICTION_GOAL: Goal = { must: 0.9, aim: 0.95 }
