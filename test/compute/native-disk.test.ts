// Layers that stay on disk (native/stage/streamer.h): the same bits as from memory, in as much memory as one
// of them, whatever else is asked of the stage between two passes. What the file may do meanwhile is in
// native/check/stage_check.cpp.

import { statSync, truncateSync, utimesSync } from 'node:fs'
import test, { type Test } from 'brittle'

import { isAbort, SwarmError } from '../../src/base/errors.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { layerAt } from '../../src/model/layer-range.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { rangeBytes } from '../../src/model/tensors.ts'
import { bytesRead } from '../helpers/bytes-read.ts'
import { GREEDY, runStages } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

const N_LAYERS = 7
const PROMPT = Array.from({ length: 40 }, (_, i) => 300 + ((i * 37) % 150))
const RUN = { promptIds: PROMPT, nTokens: 12, chunkTokens: 9 }
/** A step of more positions than go through a layer together. */
const LONG_RUN = {
  promptIds: Array.from({ length: 300 }, (_, i) => 300 + ((i * 37) % 150)),
  nTokens: 3,
  chunkTokens: 300
}

const deep = (spec: SyntheticSpec): SyntheticSpec => ({ ...spec, nLayers: N_LAYERS })

async function open(t: Test, onDisk: number[], spec = smallLlama, threads = 1) {
  const model = await readStageModel(await syntheticModel(t, deep(spec)))
  const stage = new NativeStage(model, threads)
  t.teardown(() => stage.close())
  const range = { start: 0, end: model.hyper.nLayers }
  await stage.load([range], { onDisk })
  return { model, stage, range }
}

for (const spec of [smallLlama, smallQwen2, oddLlama]) {
  test(`native disk - ${spec.name} computes the bits of memory`, async (t) => {
    const model = await readStageModel(await syntheticModel(t, deep(spec)))
    const range = { start: 0, end: model.hyper.nLayers }
    const inMemory = [{ stage: await wholeStage(t, model), range }]
    const expected = await runStages(inMemory, RUN)
    const ofLong = await runStages(inMemory, LONG_RUN)
    t.ok(new Set(expected.ids).size > 3, 'an answer of more than one word')
    for (const [threads, onDisk] of [
      [1, [0, 1, 2, 3, 4, 5, 6]],
      [2, [0, 3, 6]],
      [1, [2, 3]],
      [2, [4]]
    ] as const) {
      const { stage } = await open(t, [...onDisk], spec, threads)
      t.alike(stage.onDisk, onDisk)
      t.alike(await runStages([{ stage, range }], RUN), expected, `${onDisk.join()} on disk`)
      t.alike(await runStages([{ stage, range }], LONG_RUN), ofLong, 'in steps of 300 positions')
    }
  })
}

test('native disk - the largest layer takes memory, however many there are', async (t) => {
  const onDisk = [1, 2, 4, 5]
  const { model, stage } = await open(t, onDisk)
  const sizes = onDisk.map((layer) => rangeBytes(model.tensors, layerAt(layer), N_LAYERS))
  const whole = rangeBytes(model.tensors, { start: 0, end: N_LAYERS }, N_LAYERS)
  const sum = sizes.reduce((all, size) => all + size, 0)
  const excess = stage.weightBytes / (whole - sum + Math.max(...sizes))
  t.ok(excess > 0.98 && excess < 1.02, `${excess.toFixed(4)} of what should be resident`)
})

test('native disk - a step reads its layers once, however many positions it has', async (t) => {
  const { model, stage, range } = await open(t, [0, 1, 2, 3, 4, 5, 6])
  const passBytes = N_LAYERS * rangeBytes(model.tensors, layerAt(1), N_LAYERS)
  const steps = 8
  const long = 300
  const cache = stage.openCache(range, steps * (1 + long) + 1, 'f16')
  const step = async (nTokens: number) => {
    const ids = Int32Array.from({ length: nTokens }, (_, i) => 300 + ((i * 37) % 150))
    await stage.step({ cache, range, position: cache.length, nTokens, ids })
  }
  // From then on as many layers are read ahead when a step begins as when it ends.
  await step(1)
  const readIn = async (nTokens: number) => {
    const before = bytesRead()
    for (let i = 0; i < steps; i++) await step(nTokens)
    return bytesRead() - before
  }
  const [short, ofLong] = [await readIn(1), await readIn(long)]
  // The edges of blocks come on top of tensors as small as these.
  const passes = short / passBytes
  t.ok(passes > 0.95 * steps && passes < 1.3 * steps, `${passes} passes in ${steps} steps`)
  t.ok(Math.abs(ofLong / short - 1) < 0.1, `${ofLong} and ${short} bytes`)
})

test('native disk - behind a pass the first layer of the next one is read', async (t) => {
  const { stage, range } = await open(t, [0, 1, 2, 3, 4, 5, 6])
  const cache = stage.openCache(range, 4, 'f16')
  const settled = async () => {
    let before = 0
    // Looking reads some bytes as well.
    while (bytesRead() - before > 4096) {
      before = bytesRead()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return before
  }
  const readBy = async (position: number) => {
    const before = await settled()
    await stage.step({ cache, range, position, nTokens: 1, ids: Int32Array.of(300) })
    return (await settled()) - before
  }
  // The first layer was there when the first pass began: what is not read ahead behind it, the second reads.
  const [first, second] = [await readBy(0), await readBy(1)]
  t.ok(first > 0 && Math.abs(first / second - 1) < 0.05, `${first} and ${second} bytes`)
})

test('native disk - layers go from disk to memory and back, and serve meanwhile', async (t) => {
  const { stage, range } = await open(t, [0, 2, 4, 6])
  const expected = await runStages([{ stage, range }], RUN)
  let slices = 0
  const served = async () => {
    slices++
    t.alike(stage.held, [range])
    const { ids } = await runStages([{ stage, range }], { ...RUN, nTokens: 2 })
    t.alike(ids, expected.ids.slice(0, 2))
  }
  await stage.load([range], { sliceMs: 0, pace: served })
  t.ok(slices >= 3, `${slices} slices`)
  t.alike(stage.onDisk, [])
  t.alike(await runStages([{ stage, range }], RUN), expected)
  const inMemory = stage.weightBytes
  await stage.load([range], { onDisk: [1, 2, 3, 4, 5] })
  t.ok(stage.weightBytes < inMemory)
  t.alike(await runStages([{ stage, range }], RUN), expected)
  await stage.load([])
  t.is(stage.weightBytes, 0)
})

test('native disk - sessions in turn, parts of a range and several in one step', async (t) => {
  const { stage, range } = await open(t, [0, 1, 2, 3, 4, 5, 6])
  const parts = [
    { stage, range: { start: 0, end: 3 } },
    { stage, range: { start: 3, end: N_LAYERS } }
  ]
  const expected = await runStages([{ stage, range }], RUN)
  const all = await Promise.all([
    runStages(parts, RUN),
    runStages([{ stage, range }], RUN),
    runStages(parts, { ...RUN, chunkTokens: 17 })
  ])
  for (const run of all) t.alike(run, expected)
})

test('native disk - the event loop waits for no disk', async (t) => {
  /** Of 20 steps, those in which it went round meanwhile. */
  const rounds = async (onDisk: number[]) => {
    const { stage, range } = await open(t, onDisk)
    const cache = stage.openCache(range, 64, 'f16')
    let count = 0
    for (let position = 0; position < 20; position++) {
      const ids = Int32Array.of(300 + position)
      const request = { cache, range, position, nTokens: 1, ids }
      let isDone = false
      const step = stage.stepTogether([{ request }], { isAlone: true }).then(() => (isDone = true))
      await new Promise(setImmediate)
      if (!isDone) count++
      await step
    }
    return count
  }
  const [fromDisk, fromMemory] = [await rounds([0, 3, 6]), await rounds([])]
  const text = `the loop went round in ${fromDisk} of 20 steps, ${fromMemory} from memory`
  t.ok(fromDisk > 10 && fromMemory < 5, text)
})

test('native disk - a step is cancelled while a layer is read', async (t) => {
  const { stage, range } = await open(t, [0, 1, 2, 3, 4, 5, 6])
  const cache = stage.openCache(range, 64, 'f16')
  const abort = new AbortController()
  const request = {
    cache,
    range,
    position: 0,
    nTokens: PROMPT.length,
    ids: Int32Array.from(PROMPT)
  }
  const step = stage.step(request, abort.signal)
  abort.abort()
  t.ok(isAbort(await step.catch((error: unknown) => error)))
  t.is(cache.length, 0)
  await stage.step(request)
  t.is(cache.length, PROMPT.length)
})

test('native disk - a file that is cut off is told of, and served again when it is back', async (t) => {
  const { model, stage, range } = await open(t, [0, 1, 2, 3, 4, 5, 6])
  const { size, atime, mtime } = statSync(model.path)
  truncateSync(model.path, 4096)
  const failures: unknown[] = []
  for (let i = 0; i < 3; i++) {
    await runStages([{ stage, range }], RUN).catch((error: unknown) => failures.push(error))
  }
  t.ok(failures.length >= 2, 'at most one pass has everything read ahead')
  const isTold = (error: unknown) => error instanceof SwarmError && error.code.startsWith('MODEL_')
  t.ok(failures.every(isTold), String(failures[0]))
  truncateSync(model.path, size)
  await runStages([{ stage, range }], RUN).catch(() => {})
  const changed = await runStages([{ stage, range }], RUN).catch((error: unknown) => error)
  t.is(
    changed instanceof SwarmError && changed.code,
    'MODEL_CHANGED',
    'as long as it was, but another'
  )
  utimesSync(model.path, atime, mtime)
  t.alike(stage.held, [range], 'it is the file that failed')
})

test('native disk - layers outside the ranges, or in no order, are refused', async (t) => {
  const { stage, range } = await open(t, [])
  for (const onDisk of [[7], [3, 2], [1, 1]]) {
    const error = await stage.load([range], { onDisk }).catch((reason: unknown) => reason)
    t.ok(error instanceof Error, onDisk.join())
  }
  const cache = stage.openCache(range, 4, 'f16')
  const sampler = stage.openSampler(GREEDY)
  const ids = Int32Array.of(5)
  const { tokens } = await stage.step({ cache, range, position: 0, nTokens: 1, ids, sampler })
  t.is(tokens.length, 1, 'what was held is held')
})
