// The near process of the pipeline bench: asks, and has all layers on one thread, so that the route of two
// stages and the one process alone are measured in turn within each round. Prints the samples as one line
// of JSON. Argument: the task.

import { once } from 'node:events'
import { connect } from 'node:net'

import { perHopTiming } from '../src/pipeline/timing.ts'
import { PROMPT_TOKENS } from '../src/sharding/chunks.ts'
import { GREEDY } from '../test/helpers/run-stages.ts'
import { dialled, hopIdentities, openNetwork } from './hop-ends.ts'
import {
  TOKEN_BYTES,
  activationWireBytes,
  serveStage,
  sessionModelOf,
  type PipelineTask
} from './pipeline-ends.ts'
import { median } from './statistics.ts'

import type { RouteStage } from '../src/wire/session.ts'

/** Positions before the first token of a decode: what attention reads is not what is measured. */
const SHORT_PROMPT = 16
const STREAMS = [2, 4]
/** Of each stream: in the first dozens it is found out how they go fastest (pipeline/grouping.ts). */
const STREAM_TOKENS = 256
/** What is on a token's way is compiled in its first hundreds: 0.3 ms of a token before, measured. */
const WARM_TOKENS = 300

/** Of one round, times in ms. */
export interface PipelineRound {
  /** Of a token after the first, over two stages. */
  tokenMs: number
  /** What both stages computed of it, and what they waited inside. */
  computeMs: number
  queueMs: number
  /** All parts as perHop tells them, of the time from the first token to the last. */
  partsShare: number
  /** The bytes of a token's two hops there and back, with nothing else, at the pace of tokens. */
  ringMs: number
  /** With `whole`: a token of one process alone. */
  aloneMs?: number
  /** Tokens per ms of so many streams together. */
  streams?: Record<number, number>
  /** From the first chunk of a long prompt to its first token. */
  promptMs?: number
  promptAloneMs?: number
}

const task = JSON.parse(process.argv[2] ?? '{}') as PipelineTask
const { near, far } = hopIdentities()
const { host, ports } = task

const network = await openNetwork(near, '127.0.0.1', (event) => {
  if (event.type !== 'lane') return
  if (event.kind === 'tcp') return onLane()
  console.error('the lane was lost while it was measured: the machine is too busy, run it again')
  process.exit(1)
})
let onLane: () => void = () => {}
const lane = new Promise<void>((resolve) => (onLane = resolve))
const { model, pipeline } = await serveStage(network, task.model, (nLayers) => {
  return { start: 0, end: nLayers }
})
network.accept(await dialled({ host, port: ports.link }, near, far))
await lane

const { nLayers, vocabSize } = model.hyper
const ALONE: RouteStage[] = [{ peer: near.id, start: 0, end: nLayers }]
const SPLIT: RouteStage[] = [
  { peer: near.id, start: 0, end: task.cut },
  { peer: far.id, start: task.cut, end: nLayers }
]
let nPrompts = 0

/** One answer with how long it took, by the stages and by the clock. */
async function ask(stages: RouteStage[], promptTokens: number, tokens: number) {
  const route = {
    stages,
    planHash: '11'.repeat(32),
    viewHash: '22'.repeat(32),
    ...(stages === SPLIT && { chunking: task.chunking })
  }
  const positionEnd = promptTokens + tokens
  const session = pipeline.createSession({
    route,
    model: sessionModelOf(model),
    kvType: 'f16',
    contextTokens: positionEnd
  })
  const start = ++nPrompts
  const ids = Array.from({ length: promptTokens }, (_, i) => (i * 31 + start * 7) % vocabSize)
  const times: number[] = []
  let openedMs = 0
  const turn = { ids, sampling: GREEDY, stopIds: [], positionEnd }
  for await (const event of session.run(turn, new AbortController().signal)) {
    if (event.type === 'opened') openedMs = performance.now()
    if (event.type === 'token') times.push(performance.now())
  }
  const stats = await session.close()
  const [firstMs = NaN, lastMs = NaN] = [times[0], times.at(-1)]
  const decodeMs = lastMs - firstMs
  return {
    firstMs,
    lastMs,
    promptMs: firstMs - openedMs,
    tokenMs: decodeMs / (tokens - 1),
    decodeMs,
    hops: perHopTiming(stages, stats, tokens - 1, decodeMs)
  }
}

/** Tokens per ms while all of so many streams decode: from the last one's first to the first one's last. */
async function together(count: number): Promise<number> {
  const all = Array.from({ length: count }, () => ask(SPLIT, SHORT_PROMPT, STREAM_TOKENS))
  const answers = await Promise.all(all)
  const fromMs = Math.min(...answers.map(({ firstMs }) => firstMs))
  const toMs = Math.max(...answers.map(({ lastMs }) => lastMs))
  return (count * (STREAM_TOKENS - 1)) / (toMs - fromMs)
}

async function openEcho(): Promise<() => Promise<number>> {
  const socket = connect({ host, port: ports.echo, noDelay: true })
  await once(socket, 'connect')
  const frame = new Uint8Array(activationWireBytes(model)).fill(7)
  return async () => {
    const startMs = performance.now()
    let waitingBytes = TOKEN_BYTES
    const back = new Promise<void>((resolve) => {
      socket.on('data', function take(bytes: Uint8Array) {
        waitingBytes -= bytes.byteLength
        if (waitingBytes > 0) return
        socket.off('data', take)
        resolve()
      })
    })
    socket.write(frame)
    await back
    return performance.now() - startMs
  }
}

async function measureRound(): Promise<PipelineRound> {
  const split = await ask(SPLIT, SHORT_PROMPT, task.tokens)
  const trips: number[] = []
  const nSteps = task.tokens - 1
  // A core that has slept for a stage's step wakes slower than one that is kept awake: on a virtual machine
  // by a fifth of a millisecond. The tokens' cores sleep, so those of the echo do.
  const pauseMs = split.hops.reduce((all, hop) => all + hop.computeMs, 0) / nSteps / 2
  for (let i = 0; i < task.tokens; i++) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
    trips.push(await echo())
  }
  const sum = (of: (hop: (typeof split.hops)[0]) => number) =>
    split.hops.reduce((total, hop) => total + of(hop), 0)
  const round: PipelineRound = {
    tokenMs: split.tokenMs,
    computeMs: sum(({ computeMs }) => computeMs) / nSteps,
    queueMs: sum(({ queueMs }) => queueMs) / nSteps,
    partsShare:
      sum(({ computeMs, queueMs, wireMs }) => computeMs + queueMs + wireMs) / split.decodeMs,
    ringMs: trips.reduce((total, one) => total + one, 0) / trips.length
  }
  if (!task.whole) return round
  const streams: Record<number, number> = {}
  const alone = [await ask(ALONE, SHORT_PROMPT, task.tokens)]
  for (const count of STREAMS) streams[count] = await together(count)
  // What others do on this machine changes by the second, so alone is measured on both sides.
  alone.push(await ask(ALONE, SHORT_PROMPT, task.tokens))
  const { promptMs } = await ask(SPLIT, PROMPT_TOKENS, 1)
  const { promptMs: promptAloneMs } = await ask(ALONE, PROMPT_TOKENS, 1)
  const aloneMs = median(alone.map(({ tokenMs }) => tokenMs))
  return { ...round, aloneMs, streams, promptMs, promptAloneMs }
}

const echo = await openEcho()
await ask(SPLIT, SHORT_PROMPT, WARM_TOKENS)
for (let i = 0; i < WARM_TOKENS; i++) await echo()
const rounds: PipelineRound[] = []
for (let i = 0; i < task.rounds; i++) rounds.push(await measureRound())
// Ended by the one that started it, which looks at what was used before.
process.stdout.write(`${JSON.stringify(rounds)}\n`)
