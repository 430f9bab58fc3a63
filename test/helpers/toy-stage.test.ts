import test from 'brittle'

import { systemClock } from '../../src/base/clock.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { TOY, sampling, toyContinue } from './toy-run.ts'
import { ToyStage } from './toy-stage.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'

const ALL = { start: 0, end: TOY.nLayers }

async function loaded(range: LayerRange = ALL): Promise<ToyStage> {
  const stage = new ToyStage({ model: TOY, clock: systemClock })
  await stage.load([range])
  return stage
}

/** Runs a prompt through stages cut at `cuts`, in chunks, and samples once. */
async function through(cuts: number[], prompt: number[], chunk: number): Promise<string> {
  const edges = [0, ...cuts, TOY.nLayers]
  const parts = []
  for (let i = 1; i < edges.length; i++) {
    const range = { start: edges[i - 1] as number, end: edges[i] as number }
    const stage = await loaded(range)
    parts.push({ stage, range, cache: stage.openCache(range, 100, 'f16') })
  }
  const sampler = parts.at(-1)!.stage.openSampler(sampling())
  let result = ''
  for (let position = 0; position < prompt.length; position += chunk) {
    const ids = Int32Array.from(prompt.slice(position, position + chunk))
    const nTokens = ids.length
    let bytes: Uint8Array | null = null
    for (const { stage, range, cache } of parts) {
      const output = new Uint8Array(nTokens * TOY.dim * 4)
      const input = bytes === null ? { ids } : { input: bytes }
      const isLast = range.end === TOY.nLayers
      const isEnd = position + nTokens === prompt.length
      const { tokens } = await stage.step({
        cache,
        range,
        position,
        nTokens,
        ...input,
        ...(isLast ? {} : { output }),
        ...(isLast && isEnd ? { sampler } : {})
      })
      for (const { id, logitsHash } of tokens) result = `${id} ${logitsHash}`
      bytes = output
    }
  }
  return result
}

const prompt = [3, 141, 59, 26, 5, 358, 97]

test('toy stage - split anywhere, in any chunks, is the same as whole', async (t) => {
  const whole = await through([], prompt, prompt.length)
  t.ok(/^\d+ [0-9a-f]{16}$/.test(whole))
  for (let cut = 1; cut < TOY.nLayers; cut++) t.is(await through([cut], prompt, 3), whole, `${cut}`)
  t.is(await through([2, 3, 7, 11], prompt, 1), whole)
  t.is(await through([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], prompt, 4), whole)
})

test('toy stage - every id of the prompt and its place matter', async (t) => {
  const seen = new Set([await through([5], prompt, 2)])
  for (let i = 0; i < prompt.length; i++) {
    const changed = prompt.with(i, 499)
    seen.add(await through([5], changed, 2))
  }
  seen.add(await through([5], [prompt[1]!, prompt[0]!, ...prompt.slice(2)], 2))
  seen.add(await through([5], prompt.slice(1), 2))
  t.is(seen.size, prompt.length + 3)
})

test('toy stage - every bit of an activation changes the output', async (t) => {
  const range = { start: 4, end: 8 }
  const stage = await loaded(range)
  const run = async (input: Uint8Array) => {
    const output = new Uint8Array(TOY.dim * 4)
    const cache = stage.openCache(range, 1, 'f16')
    await stage.step({ cache, range, position: 0, nTokens: 1, input, output })
    return Buffer.from(output).toString('hex')
  }
  const input = seededRandom(1).bytes(TOY.dim * 4)
  const outputs = new Set([await run(input)])
  for (let bit = 0; bit < input.length * 8; bit++) {
    const flipped = Uint8Array.from(input)
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
    outputs.add(await run(flipped))
  }
  t.is(outputs.size, 1 + input.length * 8)
})

test('toy stage - outputs are finite floats, tokens spread over the vocabulary', async (t) => {
  const range = { start: 0, end: 3 }
  const stage = await loaded(range)
  const cache = stage.openCache(range, 300, 'f16')
  const output = new Uint8Array(300 * TOY.dim * 4)
  const ids = Int32Array.from({ length: 300 }, (_, i) => i)
  await stage.step({ cache, range, position: 0, nTokens: 300, ids, output })
  const floats = [...new Float32Array(output.buffer)]
  t.ok(floats.every((value) => Math.abs(value) >= 0.5 && Math.abs(value) < 1))
  t.ok(new Set(floats).size > 2000)
  t.ok(floats.some((value) => value > 0) && floats.some((value) => value < 0))
  const { ids: tokens } = await toyContinue(TOY, prompt, sampling(), 400)
  t.ok(new Set(tokens).size > 200, `${new Set(tokens).size} different tokens`)
})

test('toy stage - seed and temperature choose, the logits hash tells the logits', async (t) => {
  const one = await toyContinue(TOY, prompt, sampling({ seed: 1 }), 8)
  const two = await toyContinue(TOY, prompt, sampling({ seed: 2 }), 8)
  t.unlike(one.ids, two.ids)
  const greedy = (seed: number) => toyContinue(TOY, prompt, sampling({ temperature: 0, seed }), 8)
  t.alike(await greedy(1), await greedy(2))
  t.alike(await toyContinue(TOY, prompt, sampling({ seed: 1 }), 8), one)
})

test('toy stage - a truncated cache continues as if nothing had been', async (t) => {
  const stage = await loaded()
  const random = seededRandom(2)
  const run = async (isDetour: boolean) => {
    const cache = stage.openCache(ALL, 50, 'f16')
    const sampler = stage.openSampler(sampling())
    const ids = Int32Array.from(prompt)
    await stage.step({ cache, range: ALL, position: 0, nTokens: 7, ids })
    if (isDetour) {
      const detour = Int32Array.from({ length: 9 }, () => below(random, 500))
      await stage.step({ cache, range: ALL, position: 7, nTokens: 9, ids: detour })
      cache.truncate(7)
    }
    const last = Int32Array.of(11)
    return stage.step({ cache, range: ALL, position: 7, nTokens: 1, ids: last, sampler })
  }
  t.alike(await run(true), await run(false))
})

test('toy stage - it counts what is open and refuses what the contract forbids', async (t) => {
  const stage = await loaded({ start: 0, end: 6 })
  await t.exception(async () => stage.openCache(ALL, 10, 'f16'), /not held/)
  const range = { start: 0, end: 6 }
  const cache = stage.openCache(range, 10, 'f16')
  t.is(stage.openCaches, 1)
  const ids = Int32Array.of(1)
  const output = new Uint8Array(TOY.dim * 4)
  const step = { cache, range, nTokens: 1, ids, output }
  await t.exception(stage.step({ ...step, position: 3 }), /position 3, cached 0/)
  await t.exception(stage.step({ ...step, position: 0, output: new Uint8Array(3) }), /wrong size/)
  const abort = new AbortController()
  abort.abort()
  await t.exception(stage.step({ ...step, position: 0 }, abort.signal), /cancelled/)
  t.is(cache.length, 0)
  cache.close()
  t.is(stage.openCaches, 0)
  await t.exception(stage.step({ ...step, position: 0 }), /closed/)
})
