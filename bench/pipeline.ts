// `npm run bench -- pipeline`: two stages in two processes, each on one thread, beside one process with one
// thread: what a token costs above computing and its way round, over loopback and over a relay that holds
// every byte back; what several streams and a long prompt gain. Ratios within each round, which whoever
// else uses the machine slows alike; the claim is the median of the rounds'.

import { once } from 'node:events'
import { parseArgs } from 'node:util'

import { loadKernels } from '../src/compute/addon.ts'
import { measure, measureKernels } from '../src/compute/measure.ts'
import { demoModelSpec, shape1b } from '../src/model/synthetic/spec.ts'
import { modelFacts } from '../src/node/model-facts.ts'
import { PROMPT_TOKENS, chunkingOf } from '../src/sharding/chunks.ts'
import { chunkSizes, type Chunking } from '../src/sharding/chunking.ts'
import { createCosts } from '../src/sharding/cost.ts'
import { createHops } from '../src/sharding/hops.ts'
import { keyOf } from '../test/helpers/views.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'
import { firstLine, start } from './children.ts'
import { benchModel } from './models.ts'
import { childJiffies, cpuTimes, disturbance, median, spread } from './statistics.ts'

import type { PipelinePorts, PipelineTask } from './pipeline-ends.ts'
import type { PipelineRound } from './pipeline-near.ts'

/** What is asked. */
const TOKEN_MAX = 1.05
const ALONE_MIN = 0.97
const STREAMS_MIN: Record<number, number> = { 2: 1.5, 4: 2.5 }
const PROMPT_MIN = 1.6
const PARTS_MAX = 0.03

/** ms one way; 0: no relay. */
const DELAYS_MS = [0, 0.1, 1, 5, 20]
const RELAY_HOST = '127.0.0.5'
/** Of the relay's places, where a token may be no more than its wait. */
const FEW_TOKENS = 24

export async function pipelineBench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      tokens: { type: 'string', default: String(FEW_TOKENS) },
      delays: { type: 'string', default: DELAYS_MS.join() },
      small: { type: 'boolean', default: false }
    }
  })
  const spec = values.small ? demoModelSpec : shape1b
  const model = await benchModel({ ...spec, quant: 'Q4_K_M' })
  const cut = cutOf(spec.nLayers)
  const chunking = await chunkingAt(model, cut)
  const task = {
    model,
    cut,
    chunking,
    rounds: Number(values.rounds),
    tokens: Number(values.tokens)
  }
  console.log(
    `${spec.name}, Q4_K_M, ${spec.nLayers} layers, dim ${spec.dim}; our kernels: ` +
      `${loadKernels().table}, one thread per stage, ${task.rounds} rounds of ${task.tokens} tokens`
  )
  const sizes = chunkSizes(chunking, PROMPT_TOKENS).join(' ')
  console.log(`prompts over two stages, as their plan says, in chunks of ${sizes}`)
  await tellCeiling()
  for (const delayMs of values.delays.split(',').map(Number)) {
    const { rounds, others } = await measurePlace({ ...task, delayMs })
    console.log(`\n${delayMs === 0 ? 'loopback' : `relay, ${delayMs} ms one way`} (${others})`)
    tellTokens(rounds)
    if (delayMs === 0) tellWhole(rounds)
  }
}

/** The head is read with the last layers: what is as much as two of them. */
export function cutOf(nLayers: number): number {
  return Math.ceil((nLayers + 2) / 2)
}

/** What a plan of two peers as fast as this machine's one thread says of prompts. */
async function chunkingAt(path: string, cut: number): Promise<Chunking> {
  const { weightBytesPerSecond, int8OpsPerSecond } = await measureKernels(1)
  const { hyper, tensors } = await readStageModel(path)
  const model = modelFacts({ id: '', hyper, tensors })
  const peers = ['a', 'b'].map((name) => ({
    key: keyOf(name),
    memoryKiB: 2 ** 24,
    weightMiBps: Math.floor(weightBytesPerSecond / 2 ** 20),
    int8Mops: Math.floor(int8OpsPerSecond / 1e6),
    pin: null
  }))
  const stages = [
    { peer: keyOf('a'), start: 0, end: cut },
    { peer: keyOf('b'), start: cut, end: hyper.nLayers }
  ]
  return chunkingOf(createCosts(model), createHops(model, peers), peers, stages)
}

/** Both stages read weights at the same time from the one memory of this machine. */
async function tellCeiling(): Promise<void> {
  const rates: number[] = []
  for (const threads of [1, 2]) {
    const [read] = await measure([{ meter: 'read' }], { threads })
    rates.push((read?.best ?? NaN) / 1e9)
  }
  const [one = NaN, two = NaN] = rates
  console.log(
    `memory: one core reads ${one.toFixed(1)} GB/s, two ${two.toFixed(1)}: what does not share its ` +
      `reads gains ${(two / one).toFixed(2)} times at most`
  )
}

function tellTokens(rounds: readonly PipelineRound[]): void {
  const of = (pick: (round: PipelineRound) => number) => rounds.map(pick)
  const { tokenMs, computeMs, queueMs, ringMs } = {
    tokenMs: median(of((round) => round.tokenMs)),
    computeMs: median(of((round) => round.computeMs)),
    queueMs: median(of((round) => round.queueMs)),
    ringMs: median(of((round) => round.ringMs))
  }
  console.log(
    `  a token ${tokenMs.toFixed(2)} ms: both stages compute ${computeMs.toFixed(2)}, wait inside ` +
      `${queueMs.toFixed(2)}; the ring's bytes alone, at this pace, ${ringMs.toFixed(2)}`
  )
  tell(
    'token / (compute + ring)',
    of((round) => round.tokenMs / (round.computeMs + round.ringMs)),
    { most: TOKEN_MAX }
  )
  const off = Math.max(...of(({ partsShare }) => Math.abs(partsShare - 1)))
  console.log(`  ${mark(off <= PARTS_MAX)} parts off the wall time by ${(100 * off).toFixed(2)} %`)
}

function tellWhole(rounds: readonly PipelineRound[]): void {
  const aloneMs = (round: PipelineRound) => round.aloneMs as number
  tell(
    'one stream over two stages / one process',
    rounds.map((round) => aloneMs(round) / round.tokenMs),
    { least: ALONE_MIN }
  )
  for (const [count, least] of Object.entries(STREAMS_MIN)) {
    tell(
      `${count} streams over two stages / one process`,
      rounds.map((round) => (round.streams?.[Number(count)] ?? NaN) * aloneMs(round)),
      { least }
    )
  }
  tell(
    'a prompt of 512 over two stages / one process',
    rounds.map(({ promptMs = NaN, promptAloneMs = NaN }) => promptAloneMs / promptMs),
    { least: PROMPT_MIN }
  )
}

function tell(
  what: string,
  ratios: readonly number[],
  { least = 0, most = Infinity }: { least?: number; most?: number }
): void {
  const value = median(ratios)
  const asked = least > 0 ? `at least ${least}` : `at most ${most}`
  const met = mark(value >= least && value <= most)
  console.log(`  ${met} ${what}: ${value.toFixed(3)} (${spread(ratios)}), asked ${asked}`)
}

function mark(isMet: boolean): string {
  if (!isMet) process.exitCode = 1
  return isMet ? 'met ' : 'MISS'
}

async function measurePlace({
  delayMs,
  ...given
}: Omit<PipelineTask, 'whole' | 'host' | 'ports'> & { delayMs: number }): Promise<{
  rounds: PipelineRound[]
  others: string
}> {
  const before = cpuTimes()
  const far = start('pipeline-far.js', [given.model, String(given.cut)])
  const children = [far]
  try {
    const ports = JSON.parse(await firstLine(far)) as PipelinePorts
    const host = delayMs === 0 ? '127.0.0.1' : RELAY_HOST
    if (delayMs > 0) {
      const relay = start('pipeline-relay.js', [
        host,
        String(delayMs),
        ...Object.values(ports).map(String)
      ])
      children.push(relay)
      await firstLine(relay)
    }
    const task: PipelineTask = { ...given, whole: delayMs === 0, host, ports }
    const near = start('pipeline-near.js', [JSON.stringify(task)])
    children.push(near)
    const line = await firstLine(near)
    if (line === '') throw new Error(`nothing was measured at ${delayMs} ms`)
    const after = cpuTimes()
    for (const { pid } of children) if (after) after.own += childJiffies(pid)
    return { rounds: JSON.parse(line) as PipelineRound[], others: disturbance(before, after) }
  } finally {
    for (const child of children) child.kill()
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  }
}
