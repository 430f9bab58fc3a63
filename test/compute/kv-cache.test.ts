// The paged cache of the native stage: bits do not depend on where pages begin, forks never see each
// other, what was exported comes back, and memory is held for positions that are there and no others.

import { readFileSync } from 'node:fs'
import test, { type Test } from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { below, seededRandom } from '../../src/base/random.ts'
import { loadKernels } from '../../src/compute/addon.ts'
import { demoModelSpec, oddLlama, smallLlama, smallQwen3 } from '../../src/model/synthetic/spec.ts'
import { KV_TYPES } from '../../src/wire/session.ts'
import { runStages } from '../helpers/run-stages.ts'
import { readStageModel, syntheticModel, wholeStage } from '../helpers/stage-model.ts'

import type { NativeStage } from '../../src/compute/native-stage.ts'
import type { StageCache } from '../../src/compute/stage.ts'
import type { SyntheticSpec } from '../../src/model/synthetic/spec.ts'

const PAGE = 256
const MODEL_ID = 'ab'.repeat(32)
const { available } = loadKernels()

async function stageOf(t: Test, spec: SyntheticSpec, threads = 1, table?: string) {
  const model = await readStageModel(await syntheticModel(t, spec))
  return wholeStage(t, model, { threads, ...(table === undefined ? {} : { table }) })
}

function allLayers(stage: NativeStage) {
  return { start: 0, end: stage.nLayers }
}

function someIds(count: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => below(random, 1000))
}

/** Runs ids behind what the cache has. @returns the bits of the last position's logits. */
async function feed(stage: NativeStage, cache: StageCache, ids: number[]): Promise<string> {
  const logits = new Float32Array(stage.vocabSize)
  await stage.step({
    cache,
    range: allLayers(stage),
    position: cache.length,
    nTokens: ids.length,
    ids: Int32Array.from(ids),
    logits
  })
  return Buffer.from(logits.buffer).toString('base64')
}

/** The same, in a cache of its own. */
async function alone(stage: NativeStage, ids: number[], kvType = 'f16' as StageCache['kvType']) {
  const cache = stage.openCache(allLayers(stage), ids.length, kvType)
  const bits = await feed(stage, cache, ids)
  cache.close()
  return bits
}

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work)
    return 'no error'
  } catch (error) {
    return error instanceof SwarmError ? error.code : String(error)
  }
}

function residentBytes(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024
}

test('kv cache - every position around a page boundary gives the bits of one chunk', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const ids = someIds(2 * PAGE + 3, 1)
  for (const end of [PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1, 2 * PAGE, 2 * PAGE + 1]) {
    const expected = await alone(stage, ids.slice(0, end))
    for (const cut of [end - 1, PAGE - 1, PAGE, PAGE + 1].filter((cut) => cut < end)) {
      const cache = stage.openCache(allLayers(stage), ids.length, 'f16')
      await feed(stage, cache, ids.slice(0, cut))
      t.is(await feed(stage, cache, ids.slice(cut, end)), expected, `${cut} then to ${end}`)
      cache.close()
    }
  }
})

test('kv cache - both sides of a fork write, and neither sees the other', async (t) => {
  const stage = await stageOf(t, smallQwen3)
  for (const kvType of KV_TYPES) {
    for (const shared of [1, 100, PAGE - 1, PAGE, PAGE + 1]) {
      const prefix = someIds(shared, 2)
      const [left, right] = [someIds(30, 3), someIds(30, 4)]
      const cache = stage.openCache(allLayers(stage), 400, kvType)
      await feed(stage, cache, prefix)
      const fork = cache.fork(shared, 300)
      t.is(fork.length, shared)
      const got = [await feed(stage, cache, left), await feed(stage, fork, right)]
      const more = [await feed(stage, cache, [7]), await feed(stage, fork, [7])]
      cache.close()
      fork.close()
      t.is(got[0], await alone(stage, [...prefix, ...left], kvType), `${kvType} ${shared}`)
      t.is(got[1], await alone(stage, [...prefix, ...right], kvType))
      t.is(more[0], await alone(stage, [...prefix, ...left, 7], kvType))
      t.is(more[1], await alone(stage, [...prefix, ...right, 7], kvType))
    }
  }
  t.is(stage.kvBytes, 0, 'nothing is left')
})

test('kv cache - a fork outlives what it was taken from, and takes less than all', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const ids = someIds(PAGE + 50, 5)
  const cache = stage.openCache(allLayers(stage), 600, 'f16')
  await feed(stage, cache, ids)
  const fork = cache.fork(PAGE + 10, 600)
  const whole = cache.fork(10_000, 10_000)
  cache.close()
  t.is(whole.length, ids.length)
  t.is(await feed(stage, fork, [9]), await alone(stage, [...ids.slice(0, PAGE + 10), 9]))
  t.is(await feed(stage, whole, [9]), await alone(stage, [...ids, 9]))
})

test('kv cache - what is written after a truncation is as if nothing had been there', async (t) => {
  const stage = await stageOf(t, oddLlama)
  const ids = someIds(2 * PAGE + 20, 6)
  for (const kvType of KV_TYPES) {
    const cache = stage.openCache(allLayers(stage), 3 * PAGE, kvType)
    await feed(stage, cache, ids)
    for (const keep of [2 * PAGE + 1, 2 * PAGE, PAGE + 1, PAGE, PAGE - 1, 3, 0]) {
      cache.truncate(keep)
      t.is(cache.length, keep)
      const other = someIds(5, keep)
      const expected = await alone(stage, [...ids.slice(0, keep), ...other], kvType)
      t.is(await feed(stage, cache, other), expected, `${kvType}, ${keep} kept`)
      cache.truncate(keep)
    }
    cache.close()
  }
})

test('kv cache - pieces come back whatever their edges, in any order of layers', async (t) => {
  const random = seededRandom(7)
  for (const spec of [smallLlama, oddLlama, smallQwen3]) {
    const stage = await stageOf(t, spec)
    const other = await stageOf(t, spec, 1, 'scalar')
    const ids = someIds(PAGE + 120, 8)
    for (const kvType of KV_TYPES) {
      const from = stage.openCache(allLayers(stage), ids.length + 1, kvType)
      await feed(stage, from, ids)
      const to = other.openCache(allLayers(stage), ids.length + 1, kvType)
      for (let start = 0; start < ids.length;) {
        const end = Math.min(ids.length, start + 1 + below(random, 200))
        for (const layers of [
          { start: 2, end: 3 },
          { start: 0, end: 2 },
          { start: 3, end: 4 }
        ]) {
          t.is(to.length, start, 'positions count once every layer has them')
          const span = { modelId: MODEL_ID, layers, start, end }
          const piece = await stage.exportCache(from, span)
          t.alike(await other.importCache(to, MODEL_ID, piece), span)
        }
        start = end
      }
      t.is(to.length, ids.length)
      t.is(await feed(other, to, [5]), await feed(stage, from, [5]), `${spec.name} ${kvType}`)
    }
  }
})

test('kv cache - a piece that does not fit is refused and changes nothing', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const layers = allLayers(stage)
  const cache = stage.openCache(layers, 64, 'f16')
  await feed(stage, cache, someIds(20, 9))
  const span = { modelId: MODEL_ID, layers, start: 0, end: 20 }
  const piece = await stage.exportCache(cache, span)
  const to = stage.openCache(layers, 64, 'f16')
  const into = (bytes: Uint8Array, id = MODEL_ID) => codeOf(stage.importCache(to, id, bytes))
  const changed = (offset: number, ...values: number[]) => {
    const bytes = piece.slice()
    bytes.set(values, offset)
    return bytes
  }
  const cases: [string, string, Uint8Array][] = [
    ['no beginning', 'WIRE_BAD_FRAME', changed(0, 0x54)],
    ['another format', 'WIRE_VERSION', changed(4, 2)],
    ['another KV type', 'WIRE_BAD_FRAME', changed(6, 1)],
    ['an unknown KV type', 'WIRE_BAD_FRAME', changed(6, 9)],
    ['another arithmetic', 'WIRE_VERSION', changed(8, 2)],
    ['layers that are not here', 'STAGE_POSITION_GAP', changed(16, 9)],
    ['no layers', 'WIRE_BAD_FRAME', changed(12, 4)],
    ['a gap', 'WIRE_BAD_FRAME', changed(20, 1)],
    ['more positions than room', 'STAGE_POSITION_GAP', changed(24, 65)],
    ['positions without end', 'WIRE_BAD_FRAME', changed(24, 255, 255, 255, 255)],
    ['other heads', 'WIRE_BAD_FRAME', changed(28, 7)],
    ['wider heads', 'WIRE_BAD_FRAME', changed(32, 63)],
    ['another model', 'WIRE_BAD_FRAME', changed(36, 1)],
    ['an infinity', 'WIRE_BAD_FRAME', changed(68, 0, 0x7c)],
    ['a NaN at the end', 'WIRE_BAD_FRAME', changed(piece.length - 2, 1, 0xfe)],
    ['a byte more', 'WIRE_BAD_FRAME', Uint8Array.from([...piece, 0])]
  ]
  for (const [name, code, bytes] of cases) t.is(await into(bytes), code, name)
  for (let length = 0; length < 100; length++) {
    if ((await into(piece.subarray(0, length))) !== 'WIRE_BAD_FRAME') t.fail(`cut at ${length}`)
  }
  t.is(await into(piece.subarray(0, piece.length - 1)), 'WIRE_BAD_FRAME')
  t.is(await into(piece, '00'.repeat(32)), 'WIRE_BAD_FRAME')
  t.is(to.length, 0)
  t.is(await into(piece), 'no error')
  t.is(to.length, 20)
  t.is(await into(piece), 'STAGE_POSITION_GAP', 'twice')
  t.is(await feed(stage, to, [3]), await feed(stage, cache, [3]))
  const gap = stage.exportCache(cache, { ...span, end: 22 })
  t.is(await codeOf(gap), 'STAGE_POSITION_GAP', 'what is not there cannot be exported')
  const much = stage.exportCache(cache, { ...span, end: 2 ** 20 })
  t.is(await codeOf(much), 'WIRE_TOO_LARGE')
})

test('kv cache - random bytes are never a piece', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const cache = stage.openCache(allLayers(stage), 64, 'q8_0')
  const good = stage.openCache(allLayers(stage), 64, 'q8_0')
  await feed(stage, good, someIds(3, 1))
  const span = { modelId: MODEL_ID, layers: allLayers(stage), start: 0, end: 3 }
  const piece = await stage.exportCache(good, span)
  const random = seededRandom(10)
  for (let round = 0; round < 2000; round++) {
    const bytes = round % 2 === 0 ? random.bytes(below(random, 200)) : piece.slice()
    if (round % 2 === 1) bytes[below(random, 68)] = below(random, 256)
    const code = await codeOf(stage.importCache(cache, MODEL_ID, bytes))
    if (code === 'no error') cache.truncate(0)
    else if (!/^(WIRE|STAGE)_/.test(code)) t.fail(`round ${round}: ${code}`)
  }
  t.is(await codeOf(stage.importCache(cache, MODEL_ID, piece)), 'no error')
})

test('kv cache - beyond the budget a step says so, and goes on when there is room', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const pageBytes = stage.cacheBytes(allLayers(stage), 1, 'f16')
  stage.limitKv(2 * pageBytes)
  const [ids, more] = [someIds(PAGE, 11), someIds(PAGE, 12)]
  const [a, b] = [1, 2].map(() => stage.openCache(allLayers(stage), 4 * PAGE, 'f16'))
  await feed(stage, a as StageCache, ids)
  await feed(stage, b as StageCache, more)
  t.is(stage.kvBytes, 2 * pageBytes)
  const tooMuch = feed(stage, a as StageCache, [5])
  await t.exception(tooMuch, /keys and values of this stage hold 1 MiB of 1 MiB and need/)
  t.is(await codeOf(feed(stage, a as StageCache, [5])), 'STAGE_FULL')
  t.is(a?.length, PAGE, 'nothing is lost')
  b?.close()
  t.is(stage.kvBytes, pageBytes)
  t.is(await feed(stage, a as StageCache, [5]), await alone2(stage, [...ids, 5]))
})

/** The bits without a budget in the way. */
async function alone2(stage: NativeStage, ids: number[]): Promise<string> {
  stage.limitKv(Number.MAX_SAFE_INTEGER)
  return alone(stage, ids)
}

test('kv cache - pages come with positions and go with truncation, close and the last fork', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const pageBytes = stage.cacheBytes(allLayers(stage), 1, 'f16')
  const cache = stage.openCache(allLayers(stage), 8192, 'f16')
  t.is(cache.sizeBytes, 32 * pageBytes)
  t.is(stage.kvBytes, 0)
  await feed(stage, cache, someIds(50, 13))
  t.is(stage.kvBytes, pageBytes, 'a context of 8192 with 50 positions holds one page')
  await feed(stage, cache, someIds(2 * PAGE, 14))
  t.is(cache.heldBytes, 3 * pageBytes)
  cache.truncate(PAGE)
  t.is(stage.kvBytes, pageBytes)
  const fork = cache.fork(PAGE, 8192)
  t.is(stage.kvBytes, pageBytes, 'shared pages count once')
  await feed(stage, fork, [1])
  t.is(stage.kvBytes, 2 * pageBytes)
  cache.close()
  t.is(stage.kvBytes, 2 * pageBytes)
  fork.close()
  t.is(stage.kvBytes, 0)
})

test('kv cache - a closed cache gives its memory back to the system', async (t) => {
  const stage = await stageOf(t, { ...demoModelSpec, nHeads: 8, nKvHeads: 8, contextLength: 8192 })
  const prompt = someIds(512, 15)
  await alone(stage, prompt, 'f32') // Workspaces have their size now.
  const before = residentBytes()
  const caches = [1, 2, 3, 4].map(() => stage.openCache(allLayers(stage), 8192, 'f32'))
  for (const cache of caches) await feed(stage, cache, prompt)
  const held = residentBytes() - before
  const expected = stage.kvBytes
  t.is(expected, 4 * 2 * stage.cacheBytes(allLayers(stage), 1, 'f32'))
  t.ok(held > expected * 0.8 && held < expected * 1.25, `${held} resident for ${expected} held`)
  for (const cache of caches) cache.close()
  const left = residentBytes() - before
  t.ok(left < expected * 0.2, `${left} of ${expected} resident after close`)
})

test('kv cache - a cache in use cannot be truncated or imported into, and can be forked', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const cache = stage.openCache(allLayers(stage), 600, 'f16')
  const ids = someIds(300, 16)
  await feed(stage, cache, ids)
  const layers = allLayers(stage)
  const piece = await stage.exportCache(cache, { modelId: MODEL_ID, layers, start: 0, end: 9 })
  const running = feed(stage, cache, someIds(200, 17))
  t.is(await codeOf(() => cache.truncate(1)), 'NATIVE_FAILED')
  t.is(await codeOf(stage.importCache(cache, MODEL_ID, piece)), 'NATIVE_FAILED')
  const fork = cache.fork(300, 600)
  await running
  t.is(await feed(stage, fork, [4]), await alone(stage, [...ids, 4]))
  cache.truncate(1)
  t.is(cache.length, 1)
})

test('kv cache - a step of some layers leaves the positions of the others alone', async (t) => {
  const stage = await stageOf(t, smallLlama)
  const cache = stage.openCache(allLayers(stage), 10, 'f16')
  const output = new Uint8Array(stage.dim * 4)
  const part = { cache, position: 0, nTokens: 1 }
  const lower = { ...part, range: { start: 0, end: 2 }, ids: Int32Array.of(5), output }
  await stage.step(lower)
  t.is(cache.length, 0)
  t.is(await codeOf(stage.step(lower)), 'STAGE_POSITION_GAP')
  const logits = new Float32Array(stage.vocabSize)
  await stage.step({ ...part, range: { start: 2, end: 4 }, input: output, logits })
  t.is(cache.length, 1)
  t.is(Buffer.from(logits.buffer).toString('base64'), await alone(stage, [5]))
})

/** Of the largest logit: 8 bits per value leave about three decimal digits of each. */
const Q8_0_TOLERANCE = 0.05

test('kv cache - q8_0 stays near the exact logits', async (t) => {
  const stage = await stageOf(t, { ...smallLlama, quant: 'F32' })
  const logitsOf = async (kvType: StageCache['kvType']) => {
    const bits = await alone(stage, someIds(300, 19), kvType)
    return new Float32Array(new Uint8Array(Buffer.from(bits, 'base64')).buffer)
  }
  const [exact, rounded] = [await logitsOf('f32'), await logitsOf('q8_0')]
  const largest = exact.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
  const worst = exact.reduce((top, value, i) => {
    return Math.max(top, Math.abs(value - (rounded[i] as number)))
  }, 0)
  t.ok(worst < Q8_0_TOLERANCE * largest, `${worst} of ${largest}`)
  t.ok(worst > (Q8_0_TOLERANCE / 1000) * largest, 'the tolerance is of the size of the errors')
})

test('kv cache - q8_0 has the same bits in every table, and others than f16', async (t) => {
  for (const spec of [smallLlama, oddLlama, smallQwen3]) {
    const model = await readStageModel(await syntheticModel(t, spec))
    const results = []
    for (const table of available) {
      const stage = await wholeStage(t, model, { table, threads: 2 })
      const parts = [{ stage, range: allLayers(stage) }]
      const prompt = { promptIds: someIds(270, 18), nTokens: 8 }
      for (const chunkTokens of table === 'scalar' ? [512] : [512, 37]) {
        results.push(await runStages(parts, { ...prompt, chunkTokens, kvType: 'q8_0' }))
      }
      const exact = await runStages(parts, prompt)
      t.not(exact.logitsHash, results[0]?.logitsHash)
    }
    for (const result of results) t.alike(result, results[0], spec.name)
  }
})
