import { join } from 'node:path'
import test, { type Test } from 'brittle'

import { placeOf } from '../../src/model/layer-part.ts'
import { openModel } from '../../src/model/open-model.ts'
import {
  oddLlama,
  smallLlama,
  smallQwen2,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { PLANNED_CONTEXT_TOKENS, modelFacts } from '../../src/node/model-facts.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { partSizes } from '../../src/sharding/facts.ts'
import { streamedParts } from '../../src/sharding/streamed-parts.ts'
import { isPlannable } from '../../src/sharding/view.ts'
import { syntheticModel } from '../helpers/stage-model.ts'

async function open(t: Test, spec: SyntheticSpec) {
  const path = await syntheticModel(t, spec)
  return openModel(path, { idCachePath: join(await t.tmp(), 'ids.json') })
}

const F32 = { quant: 'F32', pure: true } as const

test('model facts - sizes are those of the tensors, by layer and at both ends', async (t) => {
  const facts = modelFacts(await open(t, { ...smallLlama, ...F32 }))
  const { dim, hiddenDim, vocabSize, nKvHeads, headDim } = smallLlama
  const attention = 2 * dim * dim + 2 * dim * nKvHeads * headDim
  const layerBytes = 4 * (attention + 3 * dim * hiddenDim + 2 * dim)
  t.alike(
    facts.activeKiB,
    Array.from({ length: 4 }, () => layerBytes / 1024)
  )
  // Nine tensors, between and behind which 256 bytes are left, make up to three kilobytes.
  t.ok(facts.layerKiB.every((sizeKiB) => sizeKiB - layerBytes / 1024 === 3))
  t.is(facts.embeddingKiB, (4 * vocabSize * dim) / 1024 + 1)
  t.is(facts.headKiB, (4 * (vocabSize * dim + dim)) / 1024 + 1)
  t.alike([facts.nLayers, facts.dim, facts.tied], [4, 256, false])
  t.ok(isPlannable(facts))
})

test('model facts - a tied head is the token table, counted at both ends', async (t) => {
  const { tied, embeddingKiB, headKiB } = modelFacts(await open(t, { ...smallQwen2, ...F32 }))
  t.is(tied, true)
  t.is(headKiB, embeddingKiB + 1, 'and the norm of a kilobyte')
})

test('model facts - no layer takes more than is said, and less by a kilobyte at most', async (t) => {
  for (const spec of [smallLlama, oddLlama, smallQwen2, { ...smallLlama, ...F32, biases: true }]) {
    const model = await open(t, spec)
    const facts = modelFacts(model)
    const costs = createCosts({ ...facts, contextTokens: 0 })
    const stage = new NativeStage(model, 1)
    t.teardown(() => stage.close())
    for (const range of [
      { start: 0, end: 1 },
      { start: 1, end: 2 },
      { start: facts.nLayers - 1, end: facts.nLayers },
      { start: 0, end: facts.nLayers }
    ]) {
      await stage.load([range])
      const sparedKiB = costs.residentKiB(range.start, range.end) - stage.weightBytes / 1024
      t.ok(sparedKiB >= 0 && sparedKiB < range.end - range.start + 2, `${spec.name}: ${sparedKiB}`)
    }
  }
})

test('model facts - parts make the layers, and with some on disk no more is held than said', async (t) => {
  for (const spec of [smallLlama, oddLlama, smallQwen2, { ...smallLlama, ...F32, biases: true }]) {
    const model = await open(t, { ...spec, nLayers: 6 })
    const facts = { ...modelFacts(model), contextTokens: 0 }
    const [attention = [], gateUp = [], down = []] = partSizes(facts)
    t.alike(
      facts.layerKiB,
      attention.map((sizeKiB, layer) => sizeKiB + (gateUp[layer] ?? 0) + (down[layer] ?? 0))
    )
    t.ok([...attention, ...gateUp, ...down].every((sizeKiB) => sizeKiB > 0))
    const costs = createCosts(facts)
    const wholeKiB = costs.residentKiB(0, 6)
    const stage = new NativeStage(model, 1)
    t.teardown(() => stage.close())
    const seen = new Set<string>()
    const layersKiB = facts.layerKiB.reduce((sum, sizeKiB) => sum + sizeKiB, 0)
    for (const share of [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) {
      const lacks = Math.floor(share * layersKiB)
      const onDisk = streamedParts(costs, wholeKiB - lacks, { start: 0, end: 6 })
      if (onDisk === null) continue
      await stage.load([{ start: 0, end: 6 }], { onDisk })
      const sparedKiB = wholeKiB - lacks - stage.weightBytes / 1024
      t.ok(sparedKiB >= 0, `${spec.name} without ${lacks} KiB: ${sparedKiB}`)
      seen.add([...new Set(onDisk.map(placeOf))].toSorted().join())
    }
    t.ok(seen.size > 2, `kinds ${[...seen].join(' and ')}`)
  }
})

test('model facts - keys and values are what a stage really reserves', async (t) => {
  for (const spec of [smallLlama, oddLlama]) {
    const model = await open(t, spec)
    const facts = modelFacts(model)
    const stage = new NativeStage(model, 1)
    t.teardown(() => stage.close())
    const perLayer = facts.kvBytesPerToken * facts.contextTokens
    t.is(stage.cacheBytes({ start: 0, end: 1 }, facts.contextTokens, 'f16'), perLayer, spec.name)
  }
})

test('model facts - a plan reserves an ordinary conversation, or what the model has', async (t) => {
  const long = { ...smallLlama, contextLength: 100_000 }
  t.is(modelFacts(await open(t, long)).contextTokens, PLANNED_CONTEXT_TOKENS)
  t.is(modelFacts(await open(t, smallLlama)).contextTokens, 512)
})
