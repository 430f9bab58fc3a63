// The stage's contract (src/compute/stage.ts) on the native addon: steps, refusal and
// cancellation. Numerics are in test/golden.

import test, { type Test } from 'brittle'
import { isAbort, SwarmError } from '../../src/base/errors.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { nativeConfig } from '../../src/compute/native-config.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { GREEDY } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'no error'
  } catch (error) {
    return error instanceof SwarmError ? error.code : String(error)
  }
}

async function smallStage(t: Test, threads = 1) {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  return { model, stage: await wholeStage(t, model, { threads }) }
}

test('native stage - a step must follow the cached positions', async (t) => {
  const { stage } = await smallStage(t)
  const range = { start: 0, end: 4 }
  const cache = stage.openCache(range, 16, 'f16')
  const step = (position: number, ids: number[]) =>
    stage.step({ cache, range, position, nTokens: ids.length, ids: Int32Array.from(ids) })
  t.is(await code(step(1, [5])), 'STAGE_POSITION_GAP')
  await step(0, [5, 6, 7])
  t.is(cache.length, 3)
  t.is(await code(step(2, [5])), 'STAGE_POSITION_GAP')
  t.is(
    await code(
      step(
        3,
        Array.from({ length: 14 }, () => 1)
      )
    ),
    'STAGE_FULL'
  )
  t.is(await code(step(3, [1024])), 'WIRE_BAD_FRAME')
  t.is(await code(step(3, [-1])), 'WIRE_BAD_FRAME')
  t.is(cache.length, 3)
  cache.truncate(1)
  await step(1, [9])
  t.is(cache.length, 2)
})

test('native stage - layers that are not held are refused', async (t) => {
  const { stage } = await smallStage(t)
  await stage.load([{ start: 1, end: 3 }])
  const cache = stage.openCache({ start: 0, end: 4 }, 8, 'f16')
  const step = stage.step({
    cache,
    range: { start: 0, end: 2 },
    position: 0,
    nTokens: 1,
    ids: Int32Array.of(1)
  })
  t.is(await code(step), 'STAGE_NOT_LOADED')
})

test('native stage - a wrong cache range is refused', async (t) => {
  const { stage } = await smallStage(t)
  const cache = stage.openCache({ start: 0, end: 2 }, 8, 'f16')
  const step = {
    cache,
    range: { start: 0, end: 4 },
    position: 0,
    nTokens: 1,
    ids: Int32Array.of(1)
  }
  t.is(await code(stage.step(step)), 'NATIVE_FAILED')
})

test('native stage - an activation that is not finite is an error, never a token', async (t) => {
  const { stage } = await smallStage(t)
  const range = { start: 1, end: 4 }
  for (const value of [NaN, Infinity, -Infinity]) {
    const cache = stage.openCache(range, 8, 'f16')
    const input = new Float32Array(stage.dim).fill(0.1)
    input[17] = value
    const request = {
      cache,
      range,
      position: 0,
      nTokens: 1,
      input: new Uint8Array(input.buffer),
      sampler: stage.openSampler(GREEDY)
    }
    t.is(await code(stage.step(request)), 'STAGE_NOT_FINITE', String(value))
    t.is(cache.length, 0)
  }
})

test('native stage - input at any alignment gives the same output', async (t) => {
  const { stage } = await smallStage(t)
  const range = { start: 1, end: 3 }
  const values = new Uint8Array(
    Float32Array.from({ length: stage.dim }, (_, i) => Math.sin(i)).buffer
  )
  const outputs: Uint8Array[] = []
  for (const shift of [0, 1, 2, 3]) {
    const input = new Uint8Array(values.length + 8).subarray(shift, shift + values.length)
    input.set(values)
    const output = new Uint8Array(values.length + 8).subarray(3 - shift, 3 - shift + values.length)
    const cache = stage.openCache(range, 4, 'f32')
    await stage.step({ cache, range, position: 0, nTokens: 1, input, output })
    outputs.push(Uint8Array.from(output))
  }
  for (const output of outputs) t.alike(output, outputs[0])
  t.ok(new Set(outputs[0]).size > 50)
})

test('native stage - an aborted step leaves the cache as it was', async (t) => {
  const { stage } = await smallStage(t, 2)
  const range = { start: 0, end: 4 }
  const cache = stage.openCache(range, 1024, 'f16')
  const ids = Int32Array.from({ length: 512 }, (_, i) => i)
  const controller = new AbortController()
  // The first step occupies the thread, so the second is aborted before or while it runs.
  const first = stage.step({ cache, range, position: 0, nTokens: 512, ids })
  const second = stage.step({ cache, range, position: 512, nTokens: 512, ids }, controller.signal)
  controller.abort()
  await first
  try {
    await second
    t.fail('the step was not cancelled')
  } catch (error) {
    t.ok(isAbort(error), String(error))
  }
  t.is(cache.length, 512)
  await stage.step({ cache, range, position: 512, nTokens: 1, ids: Int32Array.of(3) })
  t.is(cache.length, 513)
})

test('native stage - an already aborted signal starts nothing', async (t) => {
  const { stage } = await smallStage(t)
  const cache = stage.openCache({ start: 0, end: 4 }, 4, 'f16')
  const request = {
    cache,
    range: { start: 0, end: 4 },
    position: 0,
    nTokens: 1,
    ids: Int32Array.of(1)
  }
  await t.exception(stage.step(request, AbortSignal.abort()), /cancelled/)
  t.is(cache.length, 0)
})

test('native stage - shapes and places that do not fit are refused before any memory', async (t) => {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const changed = (change: object) =>
    model.tensors.map((tensor, i) => (i === 3 ? { ...tensor, ...change } : tensor))
  for (const change of [
    { rows: 2 ** 31 },
    { cols: 512 },
    { offsetBytes: model.sizeBytes },
    { offsetBytes: 2 ** 52 },
    { type: 9 },
    { layer: 4 },
    { role: 'outputNorm' as const }
  ]) {
    const open = () => new NativeStage({ ...model, tensors: changed(change) }, 1)
    t.is(await code(Promise.resolve().then(open)), 'MODEL_BAD_TENSOR', JSON.stringify(change))
  }
  const open = () => new NativeStage({ ...model, tensors: model.tensors.slice(1) }, 1)
  t.is(await code(Promise.resolve().then(open)), 'MODEL_BAD_TENSOR')
  const hyper = { ...model.hyper, nHeads: 3, nKvHeads: 2 }
  const heads = () => new NativeStage({ ...model, hyper }, 1)
  t.is(await code(Promise.resolve().then(heads)), 'MODEL_BAD_METADATA')
})

test('native stage - close waits for steps and is idempotent', async (t) => {
  const { stage } = await smallStage(t)
  const range = { start: 0, end: 4 }
  const cache = stage.openCache(range, 256, 'f16')
  const ids = Int32Array.from({ length: 256 }, (_, i) => i)
  const step = stage.step({ cache, range, position: 0, nTokens: 256, ids })
  await Promise.all([stage.close(), stage.close()])
  await step
  t.is(await code(stage.load([range])), 'NATIVE_FAILED')
})

/** GGML's number of the type. */
const GGML_F16 = 1

test('native stage - the bits do not depend on how many threads each step has', async (t) => {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const { addon, table } = loadKernels()
  const native = new addon.Model(nativeConfig(model, 4), table)
  t.teardown(() => native.close())
  const cancel = new Int32Array(1)
  await native.load([0, 4], { onDisk: [], cancel, sliceMs: 60_000 })
  const run = async (threadsOf: (step: number) => number | undefined) => {
    const cache = native.openCache(0, 4, 64, GGML_F16)
    const rows: Uint8Array[] = []
    const sizes = [17, 1, 1, 5, 1, 1, 1, 8, 1, 1]
    for (const [step, nTokens] of sizes.entries()) {
      const logits = new Float32Array(model.hyper.vocabSize)
      const threads = threadsOf(step)
      await native.step({
        start: 0,
        end: 4,
        parts: [
          {
            cache,
            position: cache.length(),
            nTokens,
            ids: Int32Array.from({ length: nTokens }, (_, i) => 300 + ((step * 31 + i) % 700)),
            logits,
            cancel
          }
        ],
        ...(threads !== undefined && { threads })
      })
      rows.push(new Uint8Array(logits.buffer))
    }
    cache.close()
    return rows
  }
  const expected = await run(() => 1)
  const draws: (() => number | undefined)[] = [() => undefined]
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed)
    draws.push(() => 1 + below(random, 4))
  }
  for (const [seed, draw] of draws.entries()) {
    const found = await run(draw)
    t.ok(
      found.every((row, step) => Buffer.compare(row, expected[step] as Uint8Array) === 0),
      `seed ${seed}`
    )
  }
})
