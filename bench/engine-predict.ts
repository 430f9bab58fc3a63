// What `swarm bench` predicts of a file beside what `swarm run` then measures, both as the user starts
// them, in turn: the 1.1B shape, the 8B shape and two shapes drawn by a seed.

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { below, seededRandom } from '../src/base/random.ts'
import { shape1b, shape8b, type SyntheticSpec } from '../src/model/synthetic/spec.ts'
import { PREDICTION_GOAL } from './engine-goals.ts'
import { printFigure } from './engine-pair.ts'
import { benchModel } from './models.ts'
import { cpuTimes, disturbance, median } from './statistics.ts'

import type { Choice } from './engine-options.ts'

const PROGRAM = fileURLToPath(new URL('../bin/swarm.js', import.meta.url))
const TOKENS = 48
const SEEDS = [1, 2]

export async function predictRows({ shapes, threads, pairs }: Choice): Promise<void> {
  const specs: SyntheticSpec[] = SEEDS.map(drawnSpec)
  if (shapes.includes('1b')) specs.unshift({ ...shape1b, quant: 'Q4_K_M' })
  if (shapes.includes('8b')) specs.push({ ...shape8b, quant: 'Q4_K_M' })
  // Each sample starts two processes and loads the model: a third of the pairs is what others take in time.
  const samples = Math.max(3, Math.floor(pairs / 3))
  for (const spec of specs) {
    const path = await benchModel(spec)
    for (const count of threads) await predictRow(path, spec, count, samples)
    if (spec.name !== shape1b.name) rmSync(path)
  }
}

async function predictRow(
  path: string,
  spec: SyntheticSpec,
  threads: number,
  samples: number
): Promise<void> {
  const before = cpuTimes()
  const both: { predicted: number; measured: number }[] = []
  const more = ['--threads', String(threads), '--json']
  for (let i = 0; i < samples; i++) {
    const { model } = swarm<{ model: { decodeTokensPerSecond: number } }>(['bench', path, ...more])
    const request = ['-p', 'Once upon a time', '-n', String(TOKENS), '--temp', '0']
    const run = swarm<{ timing: { tokensPerSecond: number } }>(['run', path, ...request, ...more])
    both.push({ predicted: model.decodeTokensPerSecond, measured: run.timing.tokensPerSecond })
  }
  const ratios = both.map(({ predicted, measured }) => predicted / measured)
  printFigure({
    row: 'prediction: the worse of p/m and m/p',
    of: `${spec.name.replace('synthetic ', '')} ${spec.quant} t=${threads}`,
    ...PREDICTION_GOAL,
    values: ratios.map((ratio) => Math.min(ratio, 1 / ratio)),
    detail:
      `predicted ${median(both.map(({ predicted }) => predicted)).toFixed(1)}, ` +
      `measured ${median(both.map(({ measured }) => measured)).toFixed(1)} tokens/s, ` +
      `${samples} samples; ${disturbance(before, cpuTimes())}`
  })
}

/** @returns the object that the command prints as its last line. */
function swarm<T>(args: string[]): T {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
  const text = execFileSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', stdio })
  return JSON.parse(text.trim().split('\n').at(-1) as string) as T
}

/** Any shape that an ordinary small model might have. */
function drawnSpec(seed: number): SyntheticSpec {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[below(random, from.length)] as T
  const headDim = pick([64, 128])
  const nHeads = (4 + below(random, 5)) * 4
  const dim = nHeads * headDim > 3072 ? 2048 : nHeads * headDim
  return {
    ...shape1b,
    name: `synthetic drawn ${seed}`,
    headDim,
    nHeads,
    nKvHeads: pick([nHeads / 4, nHeads / 2, nHeads]),
    dim,
    hiddenDim: 256 * Math.floor((dim * (10 + below(random, 6))) / 4 / 256),
    nLayers: 6 + below(random, 12),
    vocabSize: 8192 * (1 + below(random, 6)),
    quant: pick(['Q2_K', 'Q3_K_M', 'Q4_K_M', 'Q5_K_M', 'Q6_K', 'Q8_0']),
    seed
  }
}
