// The near process of the fairness part of the sessions bench: one stream decodes, then another session reads
// a long prompt beside it, over all layers here and over two stages. Prints the gaps between the stream's
// tokens, a line of JSON for each place. Argument: the task.

import { GREEDY } from '../test/helpers/run-stages.ts'
import { dialled, hopIdentities, openNetwork } from './hop-ends.ts'
import { serveStage, sessionModelOf, type PipelinePorts } from './pipeline-ends.ts'

import type { RouteStage } from '../src/wire/session.ts'

export interface FairTask {
  model: string
  /** The first layer of the far stage. */
  cut: number
  promptTokens: number
  places: string[]
  ports: PipelinePorts
}

/** Of one way to place the layers. */
export interface FairSample {
  place: string
  /** ms from token to token of the stream, before and after the prompt, and while it was read. */
  aloneMs: number[]
  besideMs: number[]
  /** Positions of prompts per second, beside the stream and with nobody else. */
  promptRate: number
  promptAloneRate: number
}

const SHORT_PROMPT = 16
/** What is on a token's way is compiled in its first hundreds. */
const WARM_TOKENS = 100
/** Gaps on each side of the prompt. */
const ALONE_TOKENS = 60
const STREAM_TOKENS = 4000
/** With nobody else: the beginning of one is enough to know its pace. */
const ALONE_PROMPT = 512

const task = JSON.parse(process.argv[2] ?? '{}') as FairTask
const { near, far } = hopIdentities()
let onLane: () => void = () => {}
const lane = new Promise<void>((resolve) => (onLane = resolve))
const network = await openNetwork(near, '127.0.0.1', (event) => {
  if (event.type === 'lane' && event.kind === 'tcp') onLane()
})
const { model, pipeline } = await serveStage(network, task.model, (nLayers) => {
  return { start: 0, end: nLayers }
})
network.accept(await dialled({ host: '127.0.0.1', port: task.ports.link }, near, far))
await lane

const { nLayers, vocabSize } = model.hyper
const PLACES: Record<string, RouteStage[]> = {
  'one peer': [{ peer: near.id, start: 0, end: nLayers }],
  'two stages': [
    { peer: near.id, start: 0, end: task.cut },
    { peer: far.id, start: task.cut, end: nLayers }
  ]
}
let nPrompts = 0

/** One answer; `onToken` hears of each. @returns from the route's opening to the first token. */
async function ask(
  stages: RouteStage[],
  { promptTokens, tokens }: { promptTokens: number; tokens: number },
  signal: AbortSignal,
  onToken: () => void = () => {}
): Promise<number> {
  const positionEnd = promptTokens + tokens
  const session = pipeline.createSession({
    route: { stages, planHash: '11'.repeat(32), viewHash: '22'.repeat(32) },
    model: sessionModelOf(model),
    kvType: 'f16',
    contextTokens: positionEnd
  })
  const start = ++nPrompts
  const ids = Array.from({ length: promptTokens }, (_, i) => (i * 31 + start * 7) % vocabSize)
  const turn = { ids, sampling: GREEDY, stopIds: [], positionEnd, speculates: false }
  let [openedMs, firstMs] = [0, 0]
  try {
    for await (const event of session.run(turn, signal)) {
      if (event.type === 'opened') openedMs = performance.now()
      if (event.type !== 'token') continue
      firstMs ||= performance.now()
      onToken()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await session.close()
  }
  return firstMs - openedMs
}

async function sample(place: string, stages: RouteStage[]): Promise<FairSample> {
  const over = new AbortController()
  const { promptTokens } = task
  const alone = { promptTokens: ALONE_PROMPT, tokens: 1 }
  const promptAloneMs = await ask(stages, alone, over.signal)
  const times: number[] = []
  let wake = () => {}
  const shape = { promptTokens: SHORT_PROMPT, tokens: STREAM_TOKENS }
  const stream = ask(stages, shape, over.signal, () => {
    times.push(performance.now())
    wake()
  })
  const until = async (count: number) => {
    while (times.length < count) await new Promise<void>((resolve) => (wake = resolve))
  }
  await until(WARM_TOKENS + ALONE_TOKENS)
  const fromMs = performance.now()
  const promptMs = await ask(stages, { promptTokens, tokens: 1 }, over.signal)
  const toMs = performance.now()
  await until(times.length + ALONE_TOKENS)
  over.abort()
  await stream
  const gaps = times
    .map((atMs, i) => ({ atMs, gapMs: atMs - (times[i - 1] ?? atMs) }))
    .slice(WARM_TOKENS)
  const of = (isMeant: (atMs: number, gapMs: number) => boolean) =>
    gaps.filter(({ atMs, gapMs }) => isMeant(atMs, gapMs)).map(({ gapMs }) => gapMs)
  return {
    place,
    aloneMs: of((atMs, gapMs) => atMs <= fromMs || atMs - gapMs >= toMs),
    besideMs: of((atMs, gapMs) => atMs > fromMs && atMs - gapMs < toMs),
    promptRate: (1000 * promptTokens) / promptMs,
    promptAloneRate: (1000 * ALONE_PROMPT) / promptAloneMs
  }
}

for (const [place, stages] of Object.entries(PLACES)) {
  if (task.places.includes(place)) {
    process.stdout.write(`${JSON.stringify(await sample(place, stages))}\n`)
  }
}
// Ended by the one that started it.
