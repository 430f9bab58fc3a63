// One machine alone (flow B without a network): what it refuses before it loads anything.

import { statSync } from 'node:fs'
import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { SAMPLING_DEFAULTS } from '../../src/wire/sampling-defaults.ts'
import { SwarmError } from '../../src/base/errors.ts'
import { silentLog } from '../../src/base/log.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { openLocal, type LocalModel, type LocalOptions } from '../../src/node/local-model.ts'
import { bytesRead } from '../helpers/bytes-read.ts'
import { syntheticModel } from '../helpers/stage-model.ts'

import type { GenerateRequest } from '../../src/wire/generation.ts'

const MIB = 2 ** 20
const LOADING = 'loading the weights'
const LONG = { ...smallLlama, contextLength: 2 ** 20 }

type Use = Pick<LocalOptions, 'model' | 'memoryBytes' | 'request'> & Partial<LocalOptions>

async function openFor(t: Test, use: Use): Promise<LocalModel> {
  const cacheDir = join(await t.tmp(), 'cache')
  const rest = { threads: 1, needsId: false, cacheDir, log: silentLog, onProgress: () => {} }
  return openLocal({ ...rest, ...use }, new AbortController().signal)
}

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
  const use = { model: await syntheticModel(t, spec), memoryBytes, request }
  const onProgress = (label: string) => void labels.add(label)
  try {
    const model = await openFor(t, { ...use, onProgress })
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
  const onNote = (text: string) => void notes.push(text)
  const model = await openFor(t, { model: path, memoryBytes, request, onNote })
  try {
    let [hash, nPrompt]: [string | null, number] = [null, 0]
    for await (const event of model.generate(request, new AbortController().signal)) {
      if (event.type !== 'done') continue
      hash = event.result.logitsHash
      nPrompt = event.result.promptIds.length
    }
    return { notes, hash, nPrompt }
  } finally {
    await model.close()
  }
}

const LONG_WORDS = 400

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

test('local model - from disk a long prompt reads the layers as often as a short one', async (t) => {
  const path = await syntheticModel(t, { ...smallLlama, nLayers: 12 })
  const { size } = statSync(path)
  const bytesOf = async (nWords: number) => {
    const request = { ...RIVER, prompt: 'river '.repeat(nWords), maxTokens: 1 }
    const before = bytesRead()
    const { notes, nPrompt } = await answered(t, path, request, Math.floor(0.8 * size))
    t.is(notes.length, 1)
    return { nPrompt, bytes: bytesRead() - before }
  }
  await bytesOf(1)
  const [short, long] = [await bytesOf(1), await bytesOf(LONG_WORDS)]
  t.ok(short.nPrompt < 128 && long.nPrompt > 256 && long.nPrompt < 512, `${long.nPrompt} tokens`)
  // A chunk of 128 positions would read at least a fifth of the file once more.
  t.ok(long.bytes - short.bytes < 0.1 * size, `${long.bytes} and ${short.bytes} of ${size}`)
})

test('local model - one that is larger than its memory says the same from disk', async (t) => {
  const path = await syntheticModel(t, { ...smallLlama, nLayers: 12 })
  const { size } = statSync(path)
  const answer = (memoryBytes: number | null) => answered(t, path, RIVER, memoryBytes)
  const whole = await answer(null)
  const partly = await answer(Math.floor(0.8 * size))
  t.alike(whole.notes, [])
  t.ok(
    /^memory does not suffice: parts of \d+ of 12 layers, .* from disk/.test(partly.notes[0] ?? '')
  )
  t.ok(whole.hash !== null)
  t.is(partly.hash, whole.hash)
})
