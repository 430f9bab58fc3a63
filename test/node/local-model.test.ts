// One machine alone (flow B without a network): what it refuses before it loads anything.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { SAMPLING_DEFAULTS } from '../../src/wire/sampling-defaults.ts'
import { SwarmError } from '../../src/base/errors.ts'
import { silentLog } from '../../src/base/log.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { openLocal } from '../../src/node/local-model.ts'
import { syntheticModel } from '../helpers/stage-model.ts'

import type { GenerateRequest } from '../../src/wire/generation.ts'

const MIB = 2 ** 20
const LOADING = 'loading the weights'
const LONG = { ...smallLlama, contextLength: 2 ** 20 }

async function outcome(
  t: Test,
  change: Partial<GenerateRequest>,
  memoryBytes: number | null,
  spec = smallLlama
) {
  const labels = new Set<string>()
  const request: GenerateRequest = {
    prompt: 'the river',
    maxTokens: 64,
    sampling: SAMPLING_DEFAULTS,
    stop: [],
    kvType: 'f16',
    ...change
  }
  const options = {
    model: await syntheticModel(t, spec),
    threads: 1,
    memoryBytes,
    request,
    needsId: false,
    cacheDir: join(await t.tmp(), 'cache'),
    log: silentLog,
    onProgress: (label: string) => labels.add(label)
  }
  try {
    const model = await openLocal(options, new AbortController().signal)
    t.teardown(() => model.close())
    return { code: 'opened', message: '', labels }
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error
    return { ...error.toJSON(), labels }
  }
}

test('local model - memory that does not suffice is said before any weight is read', async (t) => {
  const { code, message, labels } = await outcome(t, {}, MIB)
  t.is(code, 'NATIVE_OUT_OF_MEMORY')
  t.ok(/layers 0-\d of 4 would fit|not even one layer/.test(message), message)
  t.absent(labels.has(LOADING))
})

test('local model - a context beyond memory is refused with the one that would fit', async (t) => {
  const memory = 64 * MIB
  const { code, message } = await outcome(t, { contextTokens: 2 ** 20 }, memory, LONG)
  t.is(code, 'NATIVE_OUT_OF_MEMORY')
  const contextTokens = Number(/: (\d+) tokens would fit/.exec(message)?.[1])
  t.ok(contextTokens > 1000, message)
  t.is((await outcome(t, { contextTokens }, memory, LONG)).code, 'opened')
  const wide = await outcome(t, { contextTokens, kvType: 'f32' }, memory, LONG)
  t.is(wide.code, 'NATIVE_OUT_OF_MEMORY', 'f32 takes twice as much')
})

test('local model - a context that the model was not made for is refused before it is loaded', async (t) => {
  const { code, labels } = await outcome(t, { contextTokens: 513 }, null)
  t.is(code, 'USAGE_BAD_VALUE')
  t.absent(labels.has(LOADING))
})

test('local model - what is free is enough for a small model', async (t) => {
  const { code, labels } = await outcome(t, {}, null)
  t.is(code, 'opened')
  t.ok(labels.has(LOADING))
})

/** Opens the model for one request in so much memory, asks, and closes it. */
async function answered(
  t: Test,
  path: string,
  request: GenerateRequest,
  memoryBytes: number | null
) {
  const notes: string[] = []
  const model = await openLocal(
    {
      model: path,
      threads: 1,
      memoryBytes,
      request,
      needsId: false,
      cacheDir: join(await t.tmp(), 'cache'),
      log: silentLog,
      onProgress: () => {},
      onNote: (text) => notes.push(text)
    },
    new AbortController().signal
  )
  try {
    let hash: string | null = null
    for await (const event of model.generate(request, new AbortController().signal)) {
      if (event.type === 'done') hash = event.result.logitsHash
    }
    return { notes, hash }
  } finally {
    await model.close()
  }
}

const RIVER: GenerateRequest = {
  prompt: 'the river',
  maxTokens: 16,
  sampling: { ...SAMPLING_DEFAULTS, seed: 7 },
  stop: [],
  kvType: 'f16'
}

test('local model - from disk there is room for the context, whatever its length', async (t) => {
  const path = await syntheticModel(t, { ...LONG, nLayers: 12 })
  const { size } = statSync(path)
  // A little more than a page beyond what is usual: the cache takes all of that page.
  const request = { ...RIVER, contextTokens: 4096 + 257, maxTokens: 1 }
  let streamed = 0
  for (let step = 0; step < 16; step++) {
    const { notes, hash } = await answered(t, path, request, Math.floor((5 + 0.03 * step) * size))
    if (notes.length > 0) streamed++
    t.ok(hash !== null)
  }
  t.ok(streamed > 8, `${streamed} of 16 read from disk`)
})

test('local model - one that is larger than its memory says the same from disk', async (t) => {
  const path = await syntheticModel(t, { ...smallLlama, nLayers: 12 })
  const { size } = statSync(path)
  const answer = (memoryBytes: number | null) => answered(t, path, RIVER, memoryBytes)
  const whole = await answer(null)
  const partly = await answer(Math.floor(0.8 * size))
  t.alike(whole.notes, [])
  t.ok(/^memory does not suffice: \d+ of 12 layers, .* from disk/.test(partly.notes[0] ?? ''))
  t.ok(whole.hash !== null)
  t.is(partly.hash, whole.hash)
})
