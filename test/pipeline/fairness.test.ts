// What a stream of tokens feels of another session's long prompt, on stages whose steps take as long as a
// model of reading weights and computing says.

import test from 'brittle'

import { PromptShare, SHARED_CHUNK_TOKENS_MIN } from '../../src/pipeline/prompt-share.ts'
import { PREFILL_CHUNK_TOKENS } from '../../src/sharding/chunks.ts'
import { SimSwarm, TurnRun } from '../helpers/sim-swarm.ts'
import { sampling, toyContinue } from '../helpers/toy-run.ts'

const LAYER_READ_MS = 2
/** Of a layer: a quarter of reading it, as measured of a 1.1B model on one core. */
const POSITION_MS = 0.5
const PROMPT_TOKENS = 2000
/** Measured on each side of the prompt. */
const ALONE_TOKENS = 60
const GROUP = '0 12'

const ids = (count: number, salt: number) =>
  Array.from({ length: count }, (_, i) => (i * 31 + salt) % 500)

/** The 95th percentile of a stream's gaps beside a prompt over that before it, and how both ended. */
async function beside(cuts: number[], nStreams: number, delayMs = 0.1) {
  const stepMs = (nTokens: number, nLayers: number) =>
    nLayers * (LAYER_READ_MS + POSITION_MS * (nTokens - 1))
  const network = { delayMs, jitterMs: 0.05, bytesPerMs: 117_000, detectMs: 700 }
  const swarm = new SimSwarm({ seed: 7, stepMs, network })
  const route = await swarm.addStages(cuts)
  const asker = await swarm.addPeer()
  const { clock } = swarm
  const begin = (prompt: number[], count: number, onToken = () => {}) => {
    const positionEnd = prompt.length + count
    const session = asker.pipeline.createSession({
      route,
      model: swarm.sessionModel,
      kvType: 'f16',
      contextTokens: positionEnd
    })
    const turn = { ids: prompt, sampling: sampling(), stopIds: [], positionEnd, speculates: false }
    return { session, run: new TurnRun(session, turn, clock, onToken) }
  }
  const times: number[] = []
  const streams = Array.from({ length: nStreams }, (_, i) => {
    return begin(ids(5, i), 3000, i === 0 ? () => times.push(clock.now()) : undefined)
  })
  await clock.until(() => times.length > ALONE_TOKENS)
  const fromMs = clock.now()
  const prompt = begin(ids(PROMPT_TOKENS, 3), 1)
  await clock.until(() => prompt.run.isOver)
  const gaps = times.slice(1).map((atMs, i) => ({ atMs, gapMs: atMs - (times[i] as number) }))
  const quantile = (isBeside: boolean) => {
    const of = gaps.filter(({ atMs }) => atMs > fromMs === isBeside).map(({ gapMs }) => gapMs)
    return of.toSorted((a, b) => a - b)[Math.floor(0.95 * of.length)] as number
  }
  const answer = { ids: [...prompt.run.ids], logitsHash: prompt.run.logitsHash }
  const [stream] = streams
  const streamed = [...(stream?.run.ids ?? [])]
  for (const { session } of [...streams, prompt]) void session.close()
  await clock.pass(1000)
  const promptMs = prompt.run.endedMs - fromMs
  return { ratio: quantile(true) / quantile(false), promptMs, answer, streamed, swarm }
}

test('fairness - a long prompt at most doubles the gap between the tokens of a stream', async (t) => {
  for (const [cuts, nStreams, delayMs] of [
    [[], 1, 0.1],
    [[6], 1, 0.1],
    [[3, 9], 1, 0.1],
    [[6], 1, 20],
    [[], 4, 0.1],
    [[6], 4, 0.1]
  ] as const) {
    const { ratio, promptMs } = await beside([...cuts], nStreams, delayMs)
    const name = `${cuts.length + 1} stages, ${nStreams} streams, ${delayMs} ms one way`
    const rate = ((1000 * PROMPT_TOKENS) / promptMs).toFixed(0)
    t.ok(ratio <= 2, `${name}: ${ratio.toFixed(2)} times, the prompt at ${rate} tokens/s`)
  }
})

test('fairness - a prompt cut to pieces and the stream beside it are what they are alone', async (t) => {
  const { answer, streamed, swarm } = await beside([6], 1)
  const alone = await toyContinue(swarm.model, ids(PROMPT_TOKENS, 3), sampling(), 1)
  t.alike(answer, alone)
  const stream = await toyContinue(swarm.model, ids(5, 0), sampling(), streamed.length)
  t.alike(streamed, stream.ids)
  t.alike(swarm.leaks(), [])
})

/** One stream whose steps take 20 ms, away for so long each time. */
function streaming(awayMs: number): { share: PromptShare<string>; nowMs: number } {
  const share = new PromptShare<string>(() => PREFILL_CHUNK_TOKENS)
  const plain = { group: GROUP, streams: ['a'], promptTokens: 0, promptsWaited: false, tookMs: 20 }
  let nowMs = 0
  for (let i = 0; i < 6; i++) {
    share.arrived('a', nowMs)
    share.note({ ...plain, back: [], startedMs: nowMs })
    nowMs += 20 + awayMs
  }
  return { share, nowMs: nowMs - awayMs }
}

/** A step with prompts, of 20 ms and five for each position. */
function sharing(share: PromptShare<string>, promptTokens: number, startedMs: number): void {
  const tookMs = 20 + 5 * promptTokens
  const prompts = { group: GROUP, streams: [], back: [], promptsWaited: true }
  share.note({ ...prompts, promptTokens, startedMs, tookMs })
}

test('prompt share - with nobody else a whole chunk', (t) => {
  const share = new PromptShare<string>(() => PREFILL_CHUNK_TOKENS)
  t.alike(share.withoutTokens(GROUP, 0), { promptTokens: PREFILL_CHUNK_TOKENS, holdMs: 0 })
})

test('prompt share - beside tokens as much as takes three quarters of a step', (t) => {
  const { share, nowMs } = streaming(0)
  t.is(share.besideTokens(GROUP), SHARED_CHUNK_TOKENS_MIN, 'what it costs is not known yet')
  for (let i = 0; i < 4; i++) sharing(share, 4, nowMs)
  t.is(share.besideTokens(GROUP), 3)
})

test('prompt share - a step of prompts alone ends shortly after a token is expected', (t) => {
  const { share, nowMs } = streaming(60)
  for (let i = 0; i < 4; i++) sharing(share, 40, nowMs)
  // 60 ms away and 15 of waiting, less 20 for reading weights.
  t.alike(share.withoutTokens(GROUP, nowMs), { promptTokens: 11, holdMs: 0 })
  t.alike(share.withoutTokens(GROUP, nowMs + 30), { promptTokens: 5, holdMs: 0 })
})

test('prompt share - too short before a token a step of prompts is not begun, until it is late', (t) => {
  const { share, nowMs } = streaming(60)
  for (let i = 0; i < 4; i++) sharing(share, 40, nowMs)
  t.alike(share.withoutTokens(GROUP, nowMs + 55), { promptTokens: 0, holdMs: 65 })
  const late = share.withoutTokens(GROUP, nowMs + 120)
  t.alike(late, { promptTokens: SHARED_CHUNK_TOKENS_MIN, holdMs: 0 })
})

test('prompt share - a stream that is over, or silent for long, holds up nobody', (t) => {
  const whole = { promptTokens: PREFILL_CHUNK_TOKENS, holdMs: 0 } as const
  const over = streaming(60)
  over.share.forget('a')
  t.alike(over.share.withoutTokens(GROUP, over.nowMs), whole)
  const { share, nowMs } = streaming(60)
  t.unlike(share.withoutTokens(GROUP, nowMs + 1000), whole)
  t.alike(share.withoutTokens(GROUP, nowMs + 1001), whole)
})

test('prompt share - what a step takes without prompts is looked at again now and then', (t) => {
  const { share, nowMs } = streaming(0)
  for (let i = 0; i < 31; i++) sharing(share, 3, nowMs)
  t.absent(share.isPlainDue(GROUP))
  sharing(share, 3, nowMs)
  t.ok(share.isPlainDue(GROUP))
})
