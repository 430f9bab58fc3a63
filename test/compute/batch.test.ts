// One step of several sessions: each part has the bits, and the errors, that it would have alone,
// whatever stands beside it.

import test, { type Test } from 'brittle'

import { isAbort, SwarmError } from '../../src/base/errors.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { oddLlama, smallLlama, smallQwen3 } from '../../src/model/synthetic/spec.ts'
import { KV_TYPES } from '../../src/wire/session.ts'
import { GREEDY, runStages } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

import type { NativeStage } from '../../src/compute/native-stage.ts'
import type { Sampler, StageCache, StepPart } from '../../src/compute/stage.ts'
import type { SyntheticSpec } from '../../src/model/synthetic/spec.ts'
import type { KvType, Sampling } from '../../src/wire/session.ts'

const { available } = loadKernels()

interface Talk {
  promptIds: number[]
  nTokens: number
  kvType: KvType
  sampling: Sampling
  cache: StageCache
  sampler: Sampler
  ids: number[]
  logitsHash: string
}

async function stageOf(t: Test, spec: SyntheticSpec, table?: string): Promise<NativeStage> {
  const model = await readStageModel(await syntheticModel(t, spec))
  return wholeStage(t, model, { threads: 2, ...(table === undefined ? {} : { table }) })
}

/** Random sessions in random steps: prompts in chunks of any size beside single tokens. */
async function runMixed(stage: NativeStage, seed: number, promptMax: number): Promise<Talk[]> {
  const random = seededRandom(seed)
  const range = { start: 0, end: stage.nLayers }
  const talks = Array.from({ length: 2 + below(random, 6) }, (_, i): Talk => {
    const promptIds = Array.from({ length: 1 + below(random, promptMax) }, () =>
      below(random, 1000)
    )
    const nTokens = 1 + below(random, 12)
    const kvType = KV_TYPES[below(random, KV_TYPES.length)] as KvType
    const sampling = { ...GREEDY, temperature: below(random, 2), seed: i }
    const cache = stage.openCache(range, promptIds.length + nTokens, kvType)
    const sampler = stage.openSampler(sampling)
    return { promptIds, nTokens, kvType, sampling, cache, sampler, ids: [], logitsHash: '' }
  })
  for (;;) {
    const open = talks.filter(({ ids, nTokens }) => ids.length < nTokens)
    if (open.length === 0) return talks
    const chosen = open.filter(() => below(random, 3) > 0)
    const parts = chosen.map(({ promptIds, cache, sampler, ids }): StepPart => {
      const position = cache.length
      const left = promptIds.length - position
      const nTokens = left <= 0 ? 1 : Math.min(left, 1 + below(random, 120))
      const next =
        left <= 0 ? [ids.at(-1) as number] : promptIds.slice(position, position + nTokens)
      const isLast = position + nTokens >= promptIds.length
      const request = { cache, range, position, nTokens, ids: Int32Array.from(next) }
      return { request: isLast ? { ...request, sampler } : request }
    })
    if (parts.length === 0) continue
    for (const [i, outcome] of (await stage.stepTogether(parts)).entries()) {
      if ('error' in outcome) throw outcome.error
      const talk = chosen[i] as Talk
      for (const { id, logitsHash } of outcome.result.tokens) {
        talk.ids.push(id)
        talk.logitsHash = logitsHash
      }
    }
  }
}

for (const [i, spec] of [smallLlama, oddLlama, smallQwen3].entries()) {
  test(`batch - any mix of prompts and tokens gives each session its own bits: ${spec.name}`, async (t) => {
    const model = await readStageModel(await syntheticModel(t, spec))
    const alone = await wholeStage(t, model, { threads: 1 })
    for (const [j, table] of available.entries()) {
      const stage = await wholeStage(t, model, { table, threads: 2 })
      const seed = 10 * i + j
      for (const talk of await runMixed(stage, seed, table === 'scalar' ? 40 : 300)) {
        const { promptIds, nTokens, kvType, sampling, ids, logitsHash } = talk
        const parts = [{ stage: alone, range: { start: 0, end: alone.nLayers } }]
        const expected = await runStages(parts, { promptIds, nTokens, kvType, sampling })
        t.alike({ ids, logitsHash }, expected, `${table} seed ${seed}`)
      }
    }
  })
}

test('batch - a part that fails or is cancelled does not touch the others', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const range = { start: 1, end: 4 }
  const input = (fill: number) => {
    const values = new Float32Array(stage.dim * 3).fill(0.1)
    values[stage.dim + 5] = fill
    return new Uint8Array(values.buffer)
  }
  const part = (fill: number, signal?: AbortSignal) => {
    const cache = stage.openCache(range, 8, 'f16')
    const logits = new Float32Array(stage.vocabSize)
    const request = { cache, range, position: 0, nTokens: 3, input: input(fill), logits }
    return { request, ...(signal && { signal }) }
  }
  const good = part(0.7)
  await stage.step(good.request)
  const abort = new AbortController()
  const parts = [part(NaN), part(0.7), part(0.3, abort.signal), part(Infinity), part(0.7)]
  const gap = { request: { ...part(0.7).request, position: 2 } }
  // Behind a longer step, or a busy machine might have computed all before the abort.
  const tokens = 256
  const long = new Uint8Array(new Float32Array(stage.dim * tokens).fill(0.1).buffer)
  const cache = stage.openCache(range, tokens, 'f16')
  const before = stage.step({ cache, range, position: 0, nTokens: tokens, input: long })
  const running = stage.stepTogether([...parts, gap])
  abort.abort()
  await before
  const outcomes = await running
  const codes = outcomes.map((outcome) => {
    if ('result' in outcome) return 'good'
    return outcome.error instanceof SwarmError ? outcome.error.code : isAbort(outcome.error)
  })
  t.alike(codes, [
    'STAGE_NOT_FINITE',
    'good',
    true,
    'STAGE_NOT_FINITE',
    'good',
    'STAGE_POSITION_GAP'
  ])
  t.alike(
    parts.map(({ request }) => request.cache.length),
    [0, 3, 0, 0, 3]
  )
  for (const index of [1, 4]) t.alike(parts[index]?.request.logits, good.request.logits)
})

test('batch - a part that finds no room leaves room for the others', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const range = { start: 0, end: 4 }
  stage.limitKv(2 * stage.cacheBytes(range, 1, 'f16'))
  const parts = [1, 2, 3].map(() => {
    const cache = stage.openCache(range, 300, 'f16')
    return { request: { cache, range, position: 0, nTokens: 1, ids: Int32Array.of(5) } }
  })
  const outcomes = await stage.stepTogether(parts)
  const failed = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  t.is(failed.length, 1)
  t.is((failed[0] as SwarmError).code, 'STAGE_FULL')
  parts[0]?.request.cache.close()
  const again = await stage.stepTogether(parts.slice(2))
  t.ok('result' in (again[0] ?? {}), 'it goes on once there is room')
})

test('batch - parts of different layers, or twice the same cache, are refused', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const range = { start: 0, end: 4 }
  const cache = stage.openCache(range, 8, 'f16')
  const request = { cache, range, position: 0, nTokens: 1, ids: Int32Array.of(5) }
  const other = { ...request, cache: stage.openCache(range, 8, 'f16'), range: { start: 0, end: 3 } }
  await t.exception(stage.stepTogether([{ request }, { request: other }]), /different layers/)
  const twice = await stage.stepTogether([{ request }, { request }])
  t.ok('result' in (twice[0] ?? {}))
  t.ok('error' in (twice[1] ?? {}))
  t.is(cache.length, 1)
})
