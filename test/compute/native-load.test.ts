// What a native stage has resident (src/compute/stage.ts): sets of layers, in slices that let steps through,
// from a file that may change, go or be damaged. Steps themselves are in native-stage.test.ts.

import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import { isAbort, SwarmError } from '../../src/base/errors.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { oddLlama, smallLlama, smallQwen2, smallQwen3 } from '../../src/model/synthetic/spec.ts'
import { rangeBytes } from '../../src/model/tensors.ts'
import { runStages } from '../helpers/run-stages.ts'
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

test('native load - holds the bytes of its range and no others', async (t) => {
  const { model, stage } = await smallStage(t)
  const { nLayers } = model.hyper
  for (const range of [
    { start: 0, end: nLayers },
    { start: 1, end: 3 },
    { start: 2, end: nLayers },
    { start: 0, end: 1 }
  ]) {
    await stage.load([range])
    t.alike(stage.held, [range])
    const excess = stage.weightBytes / rangeBytes(model.tensors, range, nLayers)
    t.ok(excess >= 1 && excess < 1.02, `${excess.toFixed(4)} of the range's bytes`)
  }
})

const BOTH_ENDS = [
  { start: 0, end: 1 },
  { start: 3, end: 4 }
]

test('native load - holds the bytes of several ranges, a tied table once', async (t) => {
  for (const spec of [smallLlama, smallQwen2, smallQwen3]) {
    const model = await readStageModel(await syntheticModel(t, spec))
    const stage = await wholeStage(t, model)
    const whole = stage.weightBytes
    await stage.load([{ start: 1, end: 3 }])
    const inner = stage.weightBytes
    for (const ranges of [BOTH_ENDS, BOTH_ENDS.toReversed()]) {
      await stage.load([])
      t.is(stage.weightBytes, 0)
      for (const [i] of ranges.entries()) await stage.load(ranges.slice(0, i + 1))
      t.alike(stage.held, BOTH_ENDS)
      t.is(stage.weightBytes, whole - inner, spec.name)
    }
  }
})

test('native load - two ranges of one stage compute the bits of one range', async (t) => {
  for (const spec of [smallLlama, smallQwen2, oddLlama]) {
    const model = await readStageModel(await syntheticModel(t, spec))
    const { nLayers } = model.hyper
    const all = { start: 0, end: nLayers }
    const [whole, ends, middle] = [
      await wholeStage(t, model),
      await wholeStage(t, model),
      await wholeStage(t, model)
    ]
    const cut = [
      { start: 0, end: 1 },
      { start: 1, end: nLayers - 1 },
      { start: nLayers - 1, end: nLayers }
    ] as const
    await ends.load([cut[2], cut[0]])
    await middle.load([cut[1]])
    const options = { promptIds: [1, 17, 300, 4], nTokens: 12, chunkTokens: 3 }
    const parts = cut.map((range, i) => ({ stage: i === 1 ? middle : ends, range }))
    const expected = await runStages([{ stage: whole, range: all }], options)
    t.alike(await runStages(parts, options), expected, spec.name)
    const across = { cache: ends.openCache(all, 4, 'f16'), range: all, position: 0, nTokens: 1 }
    t.is(await code(ends.step({ ...across, ids: Int32Array.of(1) })), 'STAGE_NOT_LOADED')
  }
})

test('native load - steps run between the slices of a load, with the same bits', async (t) => {
  const { model, stage } = await smallStage(t)
  const range = { start: 0, end: 2 }
  const step = async () => {
    const cache = stage.openCache(range, 4, 'f16')
    const output = new Uint8Array(stage.dim * 4)
    await stage.step({ cache, range, position: 0, nTokens: 1, ids: Int32Array.of(7), output })
    return output
  }
  const expected = await step()
  await stage.load([range])
  const bytes = rangeBytes(model.tensors, { start: 2, end: 4 }, 4)
  let slices = 0
  const pace = async () => {
    t.alike(await step(), expected)
    t.alike(stage.held, [range], 'what is not read whole is not held')
    slices++
  }
  let total = 0
  const onProgress = (_: number, all: number) => (total = all)
  await stage.load([{ start: 0, end: 4 }], { sliceMs: 0, pace, onProgress })
  t.ok(slices > 5, `${slices} slices`)
  t.is(total, bytes, 'what was there is not read again')
  t.alike(await step(), expected)
})

test('native load - a load that is aborted keeps what it has read whole, and no more', async (t) => {
  const { stage } = await smallStage(t)
  await stage.load([{ start: 0, end: 1 }])
  const before = stage.weightBytes
  const abort = new AbortController()
  let doneBytes = 0
  let totalBytes = 0
  const onProgress = (done: number, total: number) => ([doneBytes, totalBytes] = [done, total])
  const pace = () => {
    if (doneBytes > totalBytes / 2) abort.abort()
    return Promise.resolve()
  }
  const load = stage.load(
    [
      { start: 3, end: 4 },
      { start: 0, end: 3 }
    ],
    { sliceMs: 0, onProgress, pace },
    abort.signal
  )
  t.ok(isAbort(await load.catch((error: unknown) => error)))
  t.alike(stage.held[0], { start: 0, end: 1 })
  t.is(stage.held.length, 2, 'in the order in which they were asked for')
  t.alike(stage.held[1], { start: 3, end: 4 })
  const kept = stage.weightBytes
  t.ok(kept > before)
  await stage.load(stage.held)
  t.is(stage.weightBytes, kept, 'nothing else was left in memory')
})

test('native load - other ranges give up what was begun', async (t) => {
  const { stage } = await smallStage(t)
  await stage.load([])
  const abort = new AbortController()
  const pace = () => Promise.resolve(abort.abort())
  const load = stage.load([{ start: 0, end: 4 }], { sliceMs: 0, pace }, abort.signal)
  t.ok(isAbort(await load.catch((error: unknown) => error)))
  await stage.load([{ start: 1, end: 2 }])
  t.alike(stage.held, [{ start: 1, end: 2 }])
  const fresh = new NativeStage((await smallStage(t)).model, 1)
  t.teardown(() => fresh.close())
  await fresh.load([{ start: 1, end: 2 }])
  t.is(stage.weightBytes, fresh.weightBytes)
})

test('native load - dropping layers needs no file', async (t) => {
  const { model, stage } = await smallStage(t)
  unlinkSync(model.path)
  await stage.load([{ start: 1, end: 2 }])
  await stage.load([])
  t.is(stage.weightBytes, 0)
})

test('native load - reports progress up to all bytes', async (t) => {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  const stage = new NativeStage(model, 2)
  t.teardown(() => stage.close())
  const seen: number[] = []
  let total = 0
  const onProgress = (done: number, all: number) => {
    seen.push(done)
    total = all
  }
  await stage.load([{ start: 0, end: 4 }], { onProgress })
  t.is(Math.max(...seen), total)
  t.is(total, rangeBytes(model.tensors, { start: 0, end: 4 }, 4))
})

test('native load - a file that was replaced or cut is refused by name', async (t) => {
  const path = await syntheticModel(t, smallLlama)
  const model = await readStageModel(path)
  const range = { start: 0, end: 4 }
  const load = async (change: (copy: string) => void) => {
    const copy = join(await t.tmp(), 'copy.gguf')
    copyFileSync(path, copy)
    const { mtimeNs } = await readStageModel(copy)
    const stage = new NativeStage({ ...model, path: copy, mtimeNs }, 1)
    t.teardown(() => stage.close())
    change(copy)
    return code(stage.load([range]))
  }
  t.is(await load(() => {}), 'no error')
  t.is(await load((copy) => appendFileSync(copy, 'x')), 'MODEL_CHANGED')
  t.is(await load((copy) => truncateSync(copy, model.sizeBytes - 1)), 'MODEL_CHANGED')
  t.is(await load((copy) => utimesSync(copy, 1, 1)), 'MODEL_CHANGED')
  t.is(await load((copy) => writeFileSync(copy, readFileSync(path))), 'MODEL_CHANGED')
  const gone = new NativeStage({ ...model, path: `${path}.gone` }, 1)
  t.teardown(() => gone.close())
  t.is(await code(gone.load([range])), 'MODEL_UNREADABLE')
})

const noProc = !existsSync('/proc/self/maps')

test(
  'native load - nothing of the file is open or mapped once it is loaded',
  { skip: noProc },
  async (t) => {
    const path = await syntheticModel(t, smallLlama)
    const stage = await wholeStage(t, await readStageModel(path), { threads: 2 })
    const range = { start: 0, end: 4 }
    const cache = stage.openCache(range, 4, 'f16')
    await stage.step({ cache, range, position: 0, nTokens: 1, ids: Int32Array.of(1) })
    t.absent(readFileSync('/proc/self/maps', 'utf8').includes(path))
    const files = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`)
      } catch {
        return '' // The folder's own, closed by now.
      }
    })
    t.ok(files.length > 3)
    t.absent(files.includes(path))
  }
)

test('native load - a file that vanishes is refused by the next load, not by steps', async (t) => {
  const path = await syntheticModel(t, smallLlama)
  const stage = new NativeStage(await readStageModel(path), 1)
  t.teardown(() => stage.close())
  await stage.load([{ start: 0, end: 2 }])
  unlinkSync(path)
  t.is(await code(stage.load([{ start: 0, end: 4 }])), 'MODEL_UNREADABLE')
  t.is(await code(stage.load([{ start: 0, end: 2 }], { onDisk: [1, 3] })), 'MODEL_UNREADABLE')
  t.alike(stage.held, [{ start: 0, end: 2 }])
  const range = { start: 0, end: 2 }
  const cache = stage.openCache(range, 4, 'f16')
  const output = new Uint8Array(stage.dim * 4)
  const step = { cache, range, position: 0, nTokens: 1, ids: Int32Array.of(1), output }
  t.is(await code(stage.step(step)), 'no error')
})

test('native load - a pipe in the place of the file is refused at once', async (t) => {
  const path = await syntheticModel(t, smallLlama)
  const model = await readStageModel(path)
  const pipe = join(await t.tmp(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const stage = new NativeStage({ ...model, path: pipe }, 1)
  t.teardown(() => stage.close())
  t.is(await code(stage.load([{ start: 0, end: 4 }])), 'MODEL_CHANGED')
})

test('native load - angles that are no numbers are refused before a step', async (t) => {
  const model = await readStageModel(await syntheticModel(t, smallLlama))
  for (const base of [1e-300, 0]) {
    const hyper = { ...model.hyper, rope: { ...model.hyper.rope, base } }
    const stage = new NativeStage({ ...model, hyper }, 1)
    t.teardown(() => stage.close())
    t.is(await code(stage.load([{ start: 0, end: 4 }])), 'MODEL_BAD_METADATA', String(base))
    t.alike(stage.held, [])
  }
})

test('native load - factors that stretch positions to infinity are refused by the tensor', async (t) => {
  const path = await syntheticModel(t, oddLlama)
  const { tensors } = await readStageModel(path)
  const place = tensors.find(({ role }) => role === 'ropeFreqs')
  const bytes = readFileSync(path)
  for (const factor of [0, NaN, -1, 1e-30]) {
    bytes.writeFloatLE(factor, (place?.offsetBytes ?? NaN) + 4)
    writeFileSync(path, bytes)
    const stage = new NativeStage(await readStageModel(path), 1)
    t.teardown(() => stage.close())
    const error = await stage.load([{ start: 1, end: 2 }]).catch((error: unknown) => error)
    t.ok(/MODEL_BAD_METADATA/.test(error instanceof SwarmError ? error.code : ''), `${factor}`)
    t.ok(/tensor rope_freqs\.weight/.test(String(error)))
  }
})
