import { readFileSync } from 'node:fs'
import test, { type Test } from 'brittle'
import { SwarmError } from '../../src/base/errors.ts'
import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { bufferSource } from '../../src/model/byte-source.ts'
import { readGguf } from '../../src/model/gguf.ts'
import { encodeGgufHeader } from '../../src/model/gguf-writer.ts'
import { readHyperparameters } from '../../src/model/hyperparameters.ts'
import { StringList } from '../../src/model/metadata.ts'
import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { makeVocabulary } from '../../src/model/synthetic/vocabulary.ts'
import { modelTensors } from '../../src/model/tensors.ts'
import { readTokenizer } from '../../src/model/tokenizer/tokenizer.ts'
import { dataPath, dataTest } from '../helpers/data.ts'

// Numbers that break readers, as bytes of a little-endian u64.
const NASTY = [0n, 1n, 255n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]

/** Changes a few bytes or fields of a header in place, or cuts the file. */
function mutate(bytes: Uint8Array, headerBytes: number, random: Random): Uint8Array {
  const copy = new Uint8Array(bytes)
  const view = new DataView(copy.buffer)
  const times = 1 + below(random, 4)
  for (let i = 0; i < times; i++) {
    const at = below(random, headerBytes - 8)
    const kind = below(random, 4)
    if (kind === 0) copy[at] = below(random, 256)
    else if (kind === 1) copy[at] = (copy[at] as number) ^ (1 << below(random, 8))
    else if (kind === 2) view.setBigUint64(at, NASTY[below(random, NASTY.length)] as bigint, true)
    else copy.copyWithin(at, below(random, headerBytes - 8), headerBytes)
  }
  return below(random, 8) === 0 ? copy.subarray(0, below(random, copy.length)) : copy
}

async function fuzz(t: Test, bytes: Uint8Array, headerBytes: number, rounds: number) {
  const random = seededRandom(20_260_101)
  const seen = new Map<string, number>()
  const before = process.memoryUsage.rss()
  for (let round = 0; round < rounds; round++) {
    let outcome = 'read'
    try {
      const gguf = await readGguf(bufferSource(mutate(bytes, headerBytes, random)))
      modelTensors(gguf, readHyperparameters(gguf))
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error
      outcome = error.code
    }
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
  }
  t.comment([...seen].map(([outcome, count]) => `${outcome} ${count}`).join(', '))
  t.ok((seen.get('read') ?? 0) > 0, 'some mutations are harmless')
  t.ok(seen.size >= 6, 'mutations reach many checks')
  t.ok(process.memoryUsage.rss() - before < 300 * 2 ** 20, 'memory stays bounded')
}

test('gguf - a mutated header is read or refused with a code', async (t) => {
  const { bytes, sizeBytes } = encodeGgufHeader({
    metadata: [
      ['general.architecture', { type: 'string', value: 'llama' }],
      ['llama.block_count', { type: 'u32', value: 1 }],
      ['list', { type: 'array', of: 'string', value: StringList.of(['a', 'bc', '']) }],
      ['numbers', { type: 'array', of: 'f32', value: Float32Array.of(1, 2) }],
      ['flag', { type: 'bool', value: true }]
    ],
    tensors: [
      { name: 'token_embd.weight', typeId: 0, shape: [32, 3] },
      { name: 'output_norm.weight', typeId: 2, shape: [32] }
    ]
  })
  const file = new Uint8Array(sizeBytes)
  file.set(bytes)
  const seen = new Set<string>()
  const random = seededRandom(7)
  for (let round = 0; round < 20_000; round++) {
    const mutated = mutate(file, bytes.length, random)
    const error = await readGguf(bufferSource(mutated)).catch((error: unknown) => error)
    if (error instanceof SwarmError) seen.add(error.code)
    else if (error instanceof Error) throw error
  }
  t.comment([...seen].join(', '))
  t.ok(seen.size >= 6)
})

test('tokenizer - a mutated vocabulary is read or refused with a code', async (t) => {
  const random = seededRandom(9)
  for (const tokenizer of ['spm', 'bpe'] as const) {
    const spec = { ...smallLlama, vocabSize: 600, tokenizer }
    const { bytes } = encodeGgufHeader({ metadata: makeVocabulary(spec).metadata, tensors: [] })
    const seen = new Map<string, number>()
    for (let round = 0; round < 1500; round++) {
      let outcome = 'read'
      try {
        const gguf = await readGguf(bufferSource(mutate(bytes, bytes.length, random)))
        const tokenizer = readTokenizer(gguf.metadata)
        const ids = tokenizer.encode('<s> the river\n<|im_end|> Zoë', { special: true, bos: true })
        if (ids.some((id) => id < 0 || id >= tokenizer.vocabSize)) throw new Error('id outside')
        tokenizer.decode(ids)
      } catch (error) {
        if (!(error instanceof SwarmError)) throw error
        outcome = error.code
      }
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
    }
    t.comment([...seen].map(([outcome, count]) => `${outcome} ${count}`).join(', '))
    t.ok((seen.get('read') ?? 0) > 100, `${tokenizer}: some mutations are harmless`)
    t.ok(seen.size >= 4, `${tokenizer}: mutations reach many checks`)
  }
})

dataTest('gguf - mutations of a real model are read or refused with a code', {}, async (t) => {
  const bytes = new Uint8Array(readFileSync(dataPath('stories260K', 'stories260K-Q4_0.gguf')))
  await fuzz(t, bytes, 14_304, 3000)
})
