// How fast the shipped model is: prefill and decode on one thread through the native stage, and the time
// from a question to its first text in a peer that runs and has answered before, through its control socket.

import { NativeStage } from '../src/compute/native-stage.ts'
import { SAMPLING_DEFAULTS } from '../src/wire/sampling-defaults.ts'
import { readStageModel } from '../test/helpers/stage-model.ts'
import { Lab, type LabPeer } from '../test/helpers/swarm-lab.ts'
import { verdict } from './verdict.ts'
import { cpuTimes, disturbance, median, quantile } from './statistics.ts'

const PREFILL_LEAST = 3000
const DECODE_LEAST = 1000
const FIRST_TEXT_MOST_MS = 30
const ROUNDS = 21
/** A failure with a few lines of output, and an answer to it. */
const PROMPT_TOKENS = 96
const ANSWER_TOKENS = 48
const QUESTION =
  '$ git psuh origin tea-kettle\nexit 1\n' +
  "git: 'psuh' is not a git command. See 'git --help'.\nThe most similar command is\npush"

export async function speedPart(path: string): Promise<void> {
  const before = cpuTimes()
  const samples = await stageSamples(path)
  const firstMs = await firstTexts(path)
  console.log(`\nspeed, medians of ${ROUNDS}; ${disturbance(before, cpuTimes())}`)
  verdict('prefill tokens/s, one thread', median(samples.map((one) => one.prefill)), PREFILL_LEAST)
  verdict('decode tokens/s, one thread', median(samples.map((one) => one.decode)), DECODE_LEAST)
  const most = median(firstMs)
  const isMet = most <= FIRST_TEXT_MOST_MS
  const p95 = quantile(firstMs, 0.95).toFixed(1)
  console.log(
    `${isMet ? 'met ' : 'MISS'}  first text of a warm peer: ${most.toFixed(1)} ms (95 % within ` +
      `${p95} ms), asked at most ${FIRST_TEXT_MOST_MS} ms`
  )
  if (!isMet) process.exitCode = 1
}

async function stageSamples(path: string): Promise<{ prefill: number; decode: number }[]> {
  const stage = new NativeStage(await readStageModel(path), 1)
  const range = { start: 0, end: stage.nLayers }
  await stage.load([range])
  const sampler = stage.openSampler({ ...SAMPLING_DEFAULTS, temperature: 0, seed: 1 })
  const samples: { prefill: number; decode: number }[] = []
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const cache = stage.openCache(range, PROMPT_TOKENS + ANSWER_TOKENS, 'f16')
      const step = async (position: number, ids: Int32Array): Promise<number> => {
        const nTokens = ids.length
        const {
          tokens: [token]
        } = await stage.step({ cache, range, position, nTokens, ids, sampler })
        return token?.id ?? 0
      }
      const start = performance.now()
      let id = await step(
        0,
        Int32Array.from({ length: PROMPT_TOKENS }, (_, i) => 3 + i * 17)
      )
      const prefilled = performance.now()
      for (let at = 0; at < ANSWER_TOKENS; at++)
        id = await step(PROMPT_TOKENS + at, Int32Array.of(id))
      const end = performance.now()
      cache.close()
      // The first warms caches and page tables.
      if (round === 0) continue
      samples.push({
        prefill: (PROMPT_TOKENS * 1000) / (prefilled - start),
        decode: (ANSWER_TOKENS * 1000) / (end - prefilled)
      })
    }
  } finally {
    await stage.close()
  }
  return samples
}

/** Milliseconds from asking to the first text, each for a conversation of its own. */
async function firstTexts(path: string): Promise<number[]> {
  const lab = new Lab()
  try {
    const peer = lab.join('peer', lab.topic('bench'), ['--model', path, '--lan-only'])
    await peer.event('layers')
    const times: number[] = []
    for (let round = 0; round <= ROUNDS; round++) {
      const ms = await firstText(peer)
      if (round > 0) times.push(ms)
    }
    return times
  } finally {
    await lab.close()
  }
}

async function firstText({ client }: LabPeer): Promise<number> {
  const request = {
    messages: [{ role: 'user', content: QUESTION }],
    maxTokens: ANSWER_TOKENS,
    sampling: {},
    stop: [],
    kvType: 'f16' as const
  }
  const start = performance.now()
  let firstMs = NaN
  for await (const event of client.generate(request)) {
    if (event.type === 'text' && Number.isNaN(firstMs)) firstMs = performance.now() - start
  }
  return firstMs
}
