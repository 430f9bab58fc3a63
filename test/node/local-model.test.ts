// One machine alone (flow B without a network): what it says of memory before it loads anything.

import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { silentLog } from '../../src/base/log.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { openLocal, type LocalOptions } from '../../src/node/local-model.ts'
import { syntheticModel } from '../helpers/stage-model.ts'

const MIB = 2 ** 20

async function outcome(t: Test, change: Partial<LocalOptions>) {
  const labels = new Set<string>()
  const options: LocalOptions = {
    model: await syntheticModel(t, smallLlama),
    threads: 1,
    memoryBytes: null,
    contextTokens: 64,
    kvType: 'f16',
    needsId: true,
    cacheDir: join(await t.tmp(), 'cache'),
    log: silentLog,
    onProgress: (label) => labels.add(label),
    ...change
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
  const { code, message, labels } = await outcome(t, { memoryBytes: MIB })
  t.is(code, 'NATIVE_OUT_OF_MEMORY')
  t.ok(/layers 0-\d of 4 would fit|not even one layer/.test(message), message)
  t.absent(labels.has('loading the weights'))
})

test('local model - an absurd context is refused with the one that would fit', async (t) => {
  const { code, message } = await outcome(t, { memoryBytes: 64 * MIB, contextTokens: 2 ** 20 })
  t.is(code, 'NATIVE_OUT_OF_MEMORY')
  const nTokens = Number(/: (\d+) tokens would fit/.exec(message)?.[1])
  t.ok(nTokens > 1000, message)
  t.is((await outcome(t, { memoryBytes: 64 * MIB, contextTokens: nTokens })).code, 'opened')
  const wide = { memoryBytes: 64 * MIB, contextTokens: nTokens, kvType: 'f32' as const }
  t.is((await outcome(t, wide)).code, 'NATIVE_OUT_OF_MEMORY', 'f32 takes twice as much')
})

test('local model - what is free is enough for a small model', async (t) => {
  const { code, labels } = await outcome(t, {})
  t.is(code, 'opened')
  t.ok(labels.has('loading the weights'))
})
