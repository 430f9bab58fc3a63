// The short form of `npm run soak -- gguf`, and the damage itself.

import test, { type Test } from 'brittle'

import { seededRandom } from '../../src/base/random.ts'
import { encodeGgufHeader } from '../../src/model/gguf-writer.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { makeVocabulary } from '../../src/model/synthetic/vocabulary.ts'
import { mapHeader, MUTATIONS, mutateModel, type Sample } from '../soak/gguf-mutations.ts'
import { soakModels } from '../soak/gguf.ts'

function header(): Sample & { tensors: number; keys: number } {
  const tensors = [
    { name: 'token_embd.weight', typeId: 0, shape: [32, 3] },
    { name: 'output_norm.weight', typeId: 2, shape: [32] }
  ]
  const { metadata } = makeVocabulary({ ...smallLlama, vocabSize: 600 })
  const entries = [...metadata]
  const { bytes, sizeBytes } = encodeGgufHeader({ metadata: entries, tensors })
  const file = new Uint8Array(sizeBytes)
  file.set(bytes)
  return { bytes: file, map: mapHeader(file), tensors: tensors.length, keys: entries.length }
}

test('damaged models - the map names every key, every tensor and no byte twice', (t) => {
  const { map, tensors, keys, bytes } = header()
  t.is(map.entries.filter(({ what }) => what === 'tensor').length, tensors)
  t.is(map.entries.filter(({ what }) => what === 'key').length, keys)
  t.is(map.entries[0]?.at, 24)
  for (const [i, { at }] of map.entries.entries()) if (i > 0) t.is(at, map.entries[i - 1]?.end)
  t.is(map.entries.at(-1)?.end, map.endBytes)
  t.ok(bytes.length - map.endBytes < 32 + 400, 'only padding and weights follow')
  let end = 0
  for (const { at, sizeBytes } of map.fields) {
    if (at < end) t.fail(`byte ${at} is in two fields`)
    end = at + sizeBytes
  }
  const kinds = new Set(map.fields.map(({ kind }) => kind))
  t.is(kinds.size, 7, [...kinds].join())
})

test('damaged models - every kind of damage damages', (t) => {
  const sample = header()
  const other = { ...sample, bytes: Uint8Array.from(sample.bytes, (byte) => byte ^ 1) }
  for (const [name, mutation] of Object.entries(MUTATIONS)) {
    const random = seededRandom(3)
    let changed = 0
    for (let i = 0; i < 20; i++) {
      const bytes = mutation(random, Buffer.from(sample.bytes), sample, other)
      if (Buffer.compare(bytes, sample.bytes) !== 0) changed++
    }
    t.ok(changed > 5, `${name}: ${changed} of 20`)
  }
})

test('damaged models - a seed gives the same file', (t) => {
  const sample = header()
  const make = (seed: number) => mutateModel(seededRandom(seed), sample, sample)
  t.alike(make(5), make(5))
  t.not(Buffer.compare(make(5), make(6)), 0)
})

test('damaged models - each is refused by name or runs', { timeout: 120_000 }, async (t: Test) => {
  const { problems, outcomes, slowestMs } = await soakModels(1, 1200, await t.tmp())
  t.alike(problems, [])
  t.comment(`${JSON.stringify(outcomes)}, the slowest took ${Math.round(slowestMs)} ms`)
  t.ok((outcomes['ran'] ?? 0) > 100, 'some run all the same')
  t.ok((outcomes['STAGE_NOT_FINITE'] ?? 0) > 10, 'some break while they run')
  t.ok(Object.keys(outcomes).length >= 9, 'the damage reaches many checks')
})
