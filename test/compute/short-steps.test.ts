// Steps on the thread that asks: the same bits, the same errors, and an event loop that goes round.

import test, { type Test } from 'brittle'

import { ShortSteps } from '../../src/compute/short-steps.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

import type { StageCache } from '../../src/compute/stage.ts'

const RANGE = { start: 0, end: 4 }
const N_TOKENS = 40

async function open(t: Test, threads: number) {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const stage = await wholeStage(t, model, { threads })
  const cache = stage.openCache(RANGE, 2 * N_TOKENS, 'f16')
  const sampler = stage.openSampler({ ...GREEDY, temperature: 1, seed: 3 })
  /** One token after another, each from the one before. */
  const tokens = async (isAlone: boolean) => {
    const all: string[] = []
    let id = 300
    for (let i = 0; i < N_TOKENS; i++) {
      const ids = Int32Array.of(id)
      const request = { cache, range: RANGE, position: cache.length, nTokens: 1, ids, sampler }
      const [outcome] = await stage.stepTogether([{ request }], { isAlone })
      if (outcome === undefined || 'error' in outcome) throw outcome?.error
      const [token] = outcome.result.tokens
      all.push(`${token?.id} ${token?.logitsHash}`)
      id = token?.id ?? 0
    }
    return all
  }
  return { stage, cache, tokens }
}

for (const threads of [1, 2]) {
  test(`short steps - the thread does not show in the bits, of ${threads} in all`, async (t) => {
    const [handed, alone] = [await open(t, threads), await open(t, threads)]
    const expected = await handed.tokens(false)
    t.is(new Set(expected).size, N_TOKENS, 'every row of logits is another one')
    t.alike(await alone.tokens(true), expected)
  })
}

test('short steps - whatever waits for the event loop comes before each of them', async (t) => {
  const { stage, cache, tokens } = await open(t, 1)
  await tokens(true)
  // The first step of all was handed over, and the loop went round many times meanwhile.
  let rounds = 0
  let isOver = false
  const count = () => {
    rounds++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await tokens(true)
  isOver = true
  t.ok(rounds >= N_TOKENS, `${rounds} rounds of the loop in ${N_TOKENS} steps`)

  // A prompt is handed over. What it led to, the first token of an answer, is not shown a step late.
  cache.truncate(0)
  const ids = Int32Array.of(1, 2, 3)
  await stage.step({ cache, range: RANGE, position: 0, nTokens: 3, ids })
  let isShown = false
  setImmediate(() => (isShown = true))
  const request = { cache, range: RANGE, position: 3, nTokens: 1, ids: ids.subarray(2) }
  await stage.stepTogether([{ request }], { isAlone: true })
  t.ok(isShown, 'nor the step after one that was handed over')
})

test('short steps - errors, an abort and a close arrive as on another thread', async (t) => {
  const { stage, cache, tokens } = await open(t, 1)
  await tokens(true)
  const at = (cache: StageCache, position: number, signal?: AbortSignal) => {
    const request = { cache, range: RANGE, position, nTokens: 1, ids: Int32Array.of(5) }
    return stage.stepTogether([{ request, ...(signal && { signal }) }], { isAlone: true })
  }
  const codeOf = async (...[cache, position, signal]: Parameters<typeof at>) => {
    const [outcome] = await at(cache, position, signal)
    return outcome && 'error' in outcome ? [outcome.error.name, outcome.error.message] : []
  }
  t.ok((await codeOf(cache, 0))[1]?.includes('position'), 'a gap')
  t.is((await codeOf(cache, N_TOKENS, AbortSignal.abort()))[0], 'AbortError')
  t.is(cache.length, N_TOKENS, 'neither moved the cache')
  const both = [
    at(cache, N_TOKENS),
    stage.exportCache(cache, { modelId: '00'.repeat(32), layers: RANGE, start: 0, end: 3 })
  ]
  t.is((await Promise.all(both)).length, 2, 'beside a job that runs it is handed over')
  t.is(cache.length, N_TOKENS + 1)
  cache.truncate(N_TOKENS)
  const last = at(cache, N_TOKENS)
  const closed = stage.close()
  await last.catch((error: Error) => t.ok(error.message.includes('closed')))
  await closed
})

/** A loop that does so much else between two steps on it. */
function shortSteps(isTied = false) {
  let busyMs = 7
  const steps = new ShortSteps({ isTied, busyMs: () => busyMs })
  const take = (otherUs: number, computeUs = 100) => {
    const isHere = steps.isNext
    if (isHere) {
      busyMs += otherUs / 1000
      steps.begins()
      busyMs += computeUs / 1000
      steps.ran(computeUs)
    } else {
      steps.handed()
      steps.note(computeUs)
    }
    return isHere
  }
  const share = (count: number, otherUs: number) =>
    Array.from({ length: count }, () => take(otherUs)).filter(Boolean).length / count
  return { take, share }
}

test('short steps - a long one, or a thread with processors of its own, is handed over', (t) => {
  const { take } = shortSteps()
  t.absent(take(0, 20_000), 'nothing was known yet')
  t.ok(take(0, 20_001))
  t.absent(take(0, 19_000), 'the last one was long')
  t.ok(take(0))
  const tied = shortSteps(true)
  tied.take(0)
  t.absent(tied.take(0))
})

test('short steps - a loop with much else to do has it done beside the steps', (t) => {
  const { take, share } = shortSteps()
  take(0)
  t.is(share(1000, 1500), 1, 'what a token needs is no reason')
  t.is(share(1, 12_000), 1, 'one moment of much work is none either')
  t.is(share(100, 500), 1)
  const busy = share(5000, 4000)
  t.ok(busy > 0.03 && busy < 0.12, `${busy} of the steps look whether it is still so`)
  t.ok(share(400, 500) > 0.45)
  t.is(share(400, 500), 1, 'it is not any more')
})
