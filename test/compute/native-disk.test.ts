// Parts of layers that stay on disk (native/stage/streamer.h): the same bits as from memory, in as much
// memory as one of each kind takes, whatever else is asked of the stage between two passes. What the file may
// do meanwhile is in native/check/disk_check.cpp.

import { statSync, truncateSync, utimesSync } from 'node:fs'
import test, { type Test } from 'brittle'

import { isAbort, SwarmError } from '../../src/base/errors.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { partAt, partsOf } from '../../src/model/layer-part.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { rangeBytes, type ModelTensor } from '../../src/model/tensors.ts'
import { bytesRead } from '../helpers/bytes-read.ts'
import { GREEDY, runStages } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

import type { StageModel } from '../../src/compute/native-config.ts'

const N_LAYERS = 7
const PROMPT = Array.from({ length: 40 }, (_, i) => 300 + ((i * 37) % 150))
const RUN = { promptIds: PROMPT, nTokens: 12, chunkTokens: 9 }
/** A step of more positions than go through a layer together. */
const LONG_RUN = {
  promptIds: Array.from({ length: 300 }, (_, i) => 300 + ((i * 37) % 150)),
  nTokens: 3,
  chunkTokens: 300
}

const ALL = partsOf([0, 1, 2, 3, 4, 5, 6])
const attentionOf = (...layers: number[]) => layers.map((layer) => partAt(layer, 0))
const gateUpOf = (...layers: number[]) => layers.map((layer) => partAt(layer, 1))
const downOf = (...layers: number[]) => layers.map((layer) => partAt(layer, 2))
const together = (...lists: number[][]) => lists.flat().toSorted((a, b) => a - b)

const LISTS: Record<string, number[]> = {
  'all layers': ALL,
  'layers apart': partsOf([0, 3, 6]),
  neighbours: partsOf([2, 3]),
  'one layer': partsOf([4]),
  'attention alone': attentionOf(0, 2, 3, 6),
  'attention and down of different layers': together(attentionOf(0, 1, 4), downOf(2, 3, 6)),
  'one part alone': gateUpOf(3),
  'the first and the last part': together(attentionOf(0), downOf(6)),
  'of each kind as many as of no other': together(
    attentionOf(0, 1, 2, 3, 4, 5, 6),
    gateUpOf(1, 5),
    downOf(4)
  )
}

const deep = (spec: SyntheticSpec): SyntheticSpec => ({ ...spec, nLayers: N_LAYERS })

async function open(t: Test, onDisk: number[], spec = smallLlama, threads = 1) {
  const model = await readStageModel(await syntheticModel(t, deep(spec)))
  return { model, ...(await openOn(t, model, onDisk, threads)) }
}

async function openOn(t: Test, model: StageModel, onDisk: number[], threads = 1) {
  const stage = new NativeStage(model, threads)
  t.teardown(() => stage.close())
  const range = { start: 0, end: model.hyper.nLayers }
  await stage.load([range], { onDisk })
  return { stage, range }
}

/** Place of a tensor in its layer, as native/stage/layer_layout.cpp has it. */
function placeOfTensor({ role }: ModelTensor): number {
  return role.startsWith('attn') ? 0 : role === 'ffnDown' ? 2 : 1
}

function tensorsOf({ tensors }: StageModel, parts: readonly number[]): ModelTensor[] {
  return tensors.filter(
    (tensor) => tensor.layer >= 0 && parts.includes(partAt(tensor.layer, placeOfTensor(tensor)))
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}

for (const spec of [smallLlama, smallQwen2, oddLlama]) {
  test(`native disk - ${spec.name} computes the bits of memory`, async (t) => {
    const model = await readStageModel(await syntheticModel(t, deep(spec)))
    const range = { start: 0, end: model.hyper.nLayers }
    const inMemory = [{ stage: await wholeStage(t, model), range }]
    const expected = await runStages(inMemory, RUN)
    const ofLong = await runStages(inMemory, LONG_RUN)
    t.ok(new Set(expected.ids).size > 3, 'an answer of more than one word')
    for (const [i, [name, onDisk]] of Object.entries(LISTS).entries()) {
      const { stage } = await openOn(t, model, onDisk, 1 + (i % 2))
      t.alike(stage.onDisk, onDisk)
      t.alike(await runStages([{ stage, range }], RUN), expected, `${name} on disk`)
      t.alike(await runStages([{ stage, range }], LONG_RUN), ofLong, 'in steps of 300 positions')
    }
  })
}

test('native disk - the largest of each kind takes memory, however many there are', async (t) => {
  const model = await readStageModel(await syntheticModel(t, deep(smallLlama)))
  const whole = rangeBytes(model.tensors, { start: 0, end: N_LAYERS }, N_LAYERS)
  for (const [name, onDisk] of Object.entries(LISTS)) {
    const { stage } = await openOn(t, model, onDisk)
    const most = [0, 0, 0]
    let resident = whole
    for (const part of onDisk) {
      const sizeBytes = sum(tensorsOf(model, [part]).map((tensor) => tensor.sizeBytes))
      resident -= sizeBytes
      most[part % 3] = Math.max(most[part % 3] as number, sizeBytes)
    }
    const excess = stage.weightBytes / (resident + sum(most))
    t.ok(excess > 0.98 && excess < 1.02, `${name}: ${excess.toFixed(4)} of what should be resident`)
  }
})

/** Until nothing is read ahead any more. */
async function settled(): Promise<number> {
  let before = 0
  // Looking reads some bytes as well.
  while (bytesRead() - before > 2048) {
    before = bytesRead()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return before
}

test('native disk - a step reads its parts once, however many positions it has', async (t) => {
  const model = await readStageModel(await syntheticModel(t, deep(smallLlama)))
  const steps = 4
  const long = 300
  for (const [name, onDisk] of Object.entries(LISTS)) {
    const { stage, range } = await openOn(t, model, onDisk)
    const cache = stage.openCache(range, steps * (1 + long) + 1, 'f16')
    const step = async (nTokens: number) => {
      const ids = Int32Array.from({ length: nTokens }, (_, i) => 300 + ((i * 37) % 150))
      await stage.step({ cache, range, position: cache.length, nTokens, ids })
    }
    const readIn = async (nTokens: number) => {
      const before = await settled()
      for (let i = 0; i < steps; i++) await step(nTokens)
      return (await settled()) - before
    }
    // From then on as many parts are read ahead when a step begins as when it ends.
    await step(1)
    // The only one of its kind stays.
    const read = onDisk.filter((part) => onDisk.some((one) => one !== part && one % 3 === part % 3))
    const inBlocks = (block: number) =>
      steps *
      sum(
        tensorsOf(model, read).map(({ offsetBytes, sizeBytes }) => {
          const end = Math.ceil((offsetBytes + sizeBytes) / block) * block
          return Math.min(end, model.sizeBytes) - Math.floor(offsetBytes / block) * block
        })
      )
    for (const nTokens of [1, long]) {
      const bytes = await readIn(nTokens)
      // Past the system's cache in blocks of the disk, where the file system can.
      const isAll = [1, 4096].some((block) => Math.abs(bytes - inBlocks(block)) < 2048)
      t.ok(isAll, `${name}: ${bytes} bytes in steps of ${nTokens}, not ${inBlocks(4096)}`)
    }
  }
})

test('native disk - behind a pass the first layer of the next one is read', async (t) => {
  const { stage, range } = await open(t, ALL)
  const cache = stage.openCache(range, 4, 'f16')
  const readBy = async (position: number) => {
    const before = await settled()
    await stage.step({ cache, range, position, nTokens: 1, ids: Int32Array.of(300) })
    return (await settled()) - before
  }
  // The first layer was there when the first pass began: what is not read ahead behind it, the second reads.
  const [first, second] = [await readBy(0), await readBy(1)]
  t.ok(first > 0 && Math.abs(first / second - 1) < 0.05, `${first} and ${second} bytes`)
})

test('native disk - parts go from disk to memory and back, and serve meanwhile', async (t) => {
  const { model, stage, range } = await open(t, [])
  const expected = await runStages([{ stage, range }], RUN)
  const inMemory = stage.weightBytes
  let slices = 0
  const served = async () => {
    slices++
    t.alike(stage.held, [range])
    const { ids } = await runStages([{ stage, range }], { ...RUN, nTokens: 2 })
    t.alike(ids, expected.ids.slice(0, 2))
  }
  for (const onDisk of [
    partsOf([0, 2, 4, 6]),
    [],
    attentionOf(0, 1, 4),
    downOf(2, 3, 6),
    [],
    ALL,
    attentionOf(0, 1, 4),
    together(attentionOf(0, 1), gateUpOf(1, 2, 3), downOf(1)),
    [],
    partsOf([1, 2, 3, 4, 5])
  ]) {
    slices = 0
    let totalBytes = 0
    const onProgress = (_: number, total: number) => (totalBytes = total)
    await stage.load([range], { onDisk, sliceMs: 0, pace: served, onProgress })
    const name = `${onDisk.join() || 'nothing'} on disk`
    t.ok(totalBytes === 0 || slices >= 3, `${slices} slices until ${name}`)
    t.alike(stage.onDisk, onDisk)
    t.alike(await runStages([{ stage, range }], RUN), expected, name)
    const fresh = await openOn(t, model, onDisk)
    t.is(stage.weightBytes, fresh.stage.weightBytes)
    t.ok(onDisk.length === 0 ? stage.weightBytes === inMemory : stage.weightBytes < inMemory)
  }
  await stage.load([])
  t.is(stage.weightBytes, 0)
})

test('native disk - layers of which the same parts stay are not read again', async (t) => {
  const onDisk = together(attentionOf(0, 1), downOf(0, 4))
  const { model, stage, range } = await open(t, onDisk)
  const readBy = async (options: { onDisk: number[] }) => {
    let totalBytes = 0
    await stage.load([range], { ...options, onProgress: (_, total) => (totalBytes = total) })
    return totalBytes
  }
  t.is(await readBy({ onDisk }), 0)
  const other = together(attentionOf(0, 1), downOf(0, 5))
  const stays = [...partsOf([5]).filter((part) => !other.includes(part)), ...partsOf([4])]
  t.is(
    await readBy({ onDisk: other }),
    sum(tensorsOf(model, stays).map((tensor) => tensor.sizeBytes))
  )
  t.is(await readBy({ onDisk: ALL }), 0)
})

test('native disk - sessions in turn, parts of a range and several in one step', async (t) => {
  const { stage, range } = await open(t, ALL)
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
  const [fromDisk, fromMemory] = [await rounds(partsOf([0, 3, 6])), await rounds([])]
  const text = `the loop went round in ${fromDisk} of 20 steps, ${fromMemory} from memory`
  t.ok(fromDisk > 10 && fromMemory < 5, text)
})

test('native disk - a step is cancelled while a layer is read', async (t) => {
  const { stage, range } = await open(t, ALL)
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
  const { model, stage, range } = await open(t, ALL)
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

test('native disk - parts outside the ranges, or in no order, are refused', async (t) => {
  const { stage, range } = await open(t, [])
  for (const onDisk of [[3 * N_LAYERS], [-1], [3, 2], [1, 1]]) {
    const error = await stage.load([range], { onDisk }).catch((reason: unknown) => reason)
    t.ok(error instanceof Error, onDisk.join())
  }
  const cache = stage.openCache(range, 4, 'f16')
  const sampler = stage.openSampler(GREEDY)
  const ids = Int32Array.of(5)
  const { tokens } = await stage.step({ cache, range, position: 0, nTokens: 1, ids, sampler })
  t.is(tokens.length, 1, 'what was held is held')
})
