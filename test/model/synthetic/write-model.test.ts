import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'brittle'
import { isAbort, SwarmError } from '../../../src/base/errors.ts'
import { FileSource } from '../../../src/model/byte-source.ts'
import { readGguf } from '../../../src/model/gguf.ts'
import { readHyperparameters } from '../../../src/model/hyperparameters.ts'
import {
  demoModelSpec,
  oddLlama,
  shape1b,
  shape8b,
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../../src/model/synthetic/spec.ts'
import {
  syntheticModelBytes,
  writeSyntheticModel
} from '../../../src/model/synthetic/write-model.ts'
import { modelTensors } from '../../../src/model/tensors.ts'
import { SUPPORTED_TYPES, tensorType } from '../../../src/model/tensor-types.ts'

// sha256 of whole files. A change means that every machine would make another model: new numbers here
// belong to a change of the generator that was meant.
const PINNED = {
  smallLlama: 'ee81d724b05652603bd14a4a6188e21b70600741103933d23df8bc33dd066476',
  smallQwen3: '57230cf952fec94eb9220b05319794663e983de5f5a6359e75a88a9412f30e8a',
  oddLlama: '9c3d3affcb500b38add39c9ec55c51477be38a801346d847c09b0a733c2db88a'
}

async function hashOf(folder: string, spec: SyntheticSpec): Promise<string> {
  const path = join(folder, 'model.gguf')
  await writeSyntheticModel(path, spec)
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

async function typesOf(folder: string, spec: SyntheticSpec): Promise<Map<string, string>> {
  const path = join(folder, 'model.gguf')
  await writeSyntheticModel(path, spec)
  const source = await FileSource.open(path)
  try {
    const gguf = await readGguf(source)
    const tensors = modelTensors(gguf, readHyperparameters(gguf))
    return new Map(tensors.map(({ name, type }) => [name, tensorType(type)?.name ?? '']))
  } finally {
    await source.close()
  }
}

test('generated model - the same spec gives the same bytes, pinned', async (t) => {
  const folder = await t.tmp()
  t.is(await hashOf(folder, smallLlama), PINNED.smallLlama)
  t.is(await hashOf(folder, smallLlama), PINNED.smallLlama)
  t.is(await hashOf(folder, smallQwen3), PINNED.smallQwen3)
  t.is(await hashOf(folder, oddLlama), PINNED.oddLlama)
})

test('generated model - another seed gives other weights in a file of the same size', async (t) => {
  const folder = await t.tmp()
  t.not(await hashOf(folder, { ...smallLlama, seed: 2 }), PINNED.smallLlama)
  t.is(
    (await stat(join(folder, 'model.gguf'))).size,
    syntheticModelBytes({ ...smallLlama, seed: 1 })
  )
})

test('generated model - the reader accepts every architecture in every format', async (t) => {
  const folder = await t.tmp()
  for (const spec of [smallLlama, smallQwen2, smallQwen3, oddLlama]) {
    for (const quant of [...SUPPORTED_TYPES, 'Q3_K_M', 'Q4_K_M', 'Q5_K_M'] as const) {
      const types = await typesOf(folder, { ...spec, nLayers: 1, quant })
      t.ok(types.size > 9, `${spec.name} ${quant}`)
    }
  }
})

test('generated model - a format is used for every matrix it fits', async (t) => {
  const folder = await t.tmp()
  for (const quant of SUPPORTED_TYPES) {
    const types = await typesOf(folder, { ...smallLlama, nLayers: 2, quant, pure: true })
    const matrices = [...types].filter(([name]) => !name.includes('norm'))
    t.is(matrices.length, 16)
    t.alike([...new Set(matrices.map(([, type]) => type))], [quant])
  }
})

test('generated model - mixtures are those of the quantizer of llama.cpp', async (t) => {
  const folder = await t.tmp()
  const wide: SyntheticSpec = { ...smallLlama, nLayers: 16, nHeads: 4, nKvHeads: 1 }
  const layers = (types: Map<string, string>, name: string) =>
    Array.from({ length: 16 }, (_, layer) => types.get(`blk.${layer}.${name}.weight`))
  const more = (index: number) => index < 2 || index >= 14 || (index - 2) % 3 === 2
  for (const [quant, base] of [
    ['Q4_K_M', 'Q4_K'],
    ['Q5_K_M', 'Q5_K']
  ] as const) {
    const types = await typesOf(folder, { ...wide, quant })
    const wanted = Array.from({ length: 16 }, (_, layer) => (more(layer) ? 'Q6_K' : base))
    t.alike(layers(types, 'attn_v'), wanted)
    t.alike(layers(types, 'ffn_down'), wanted)
    t.alike([...new Set(layers(types, 'ffn_up'))], [base])
    t.is(types.get('output.weight'), 'Q6_K')
    t.is(types.get('token_embd.weight'), base)
  }
  const q2 = await typesOf(folder, { ...wide, quant: 'Q2_K' })
  t.alike([...new Set(layers(q2, 'attn_v'))], ['Q4_K'])
  t.alike([...new Set(layers(q2, 'attn_output'))], ['Q3_K'])
  t.alike([...new Set(layers(q2, 'ffn_down'))], ['Q3_K'])
  t.alike([...new Set(layers(q2, 'attn_q'))], ['Q2_K'])
  const q3 = await typesOf(folder, { ...wide, quant: 'Q3_K_M' })
  t.alike(layers(q3, 'attn_v').slice(0, 3), ['Q5_K', 'Q5_K', 'Q4_K'])
  t.alike(layers(q3, 'ffn_down').slice(0, 3), ['Q5_K', 'Q4_K', 'Q4_K'])
  t.alike([...new Set(layers(q3, 'attn_output'))], ['Q4_K'])
})

test('generated model - a tied embedding has the format of the head', async (t) => {
  const types = await typesOf(await t.tmp(), smallQwen2)
  t.is(types.get('token_embd.weight'), 'Q6_K')
  t.absent(types.has('output.weight'))
})

test('generated model - the large shapes have the sizes of the real ones', (t) => {
  // TinyLlama-1.1B and Llama-3-8B as Q4_K_M take 668,788,096 and 4,920,733,952 bytes.
  const ratio = (bytes: number, real: number) => Math.abs(bytes / real - 1)
  t.ok(ratio(syntheticModelBytes(shape1b), 668_788_096) < 0.002)
  t.ok(ratio(syntheticModelBytes(shape8b), 4_920_733_952) < 0.002)
})

test('generated model - progress rises to the whole size', async (t) => {
  const seen: number[] = []
  const path = join(await t.tmp(), 'model.gguf')
  let total = 0
  await writeSyntheticModel(path, demoModelSpec, {
    onProgress(doneBytes, totalBytes) {
      seen.push(doneBytes)
      total = totalBytes
    }
  })
  t.ok(seen.length > 50)
  t.alike(
    seen,
    seen.toSorted((a, b) => a - b)
  )
  t.is(seen.at(-1), total)
  t.is((await stat(path)).size, total)
})

test('generated model - an abort leaves nothing behind', async (t) => {
  const path = join(await t.tmp(), 'model.gguf')
  const controller = new AbortController()
  const work = writeSyntheticModel(path, demoModelSpec, {
    onProgress: () => controller.abort(),
    signal: controller.signal
  })
  t.ok(isAbort(await work.catch((error: unknown) => error)))
  t.absent(existsSync(path))
  t.absent(existsSync(`${path}.part`))
})

test('generated model - a folder that is missing is an error with its path', async (t) => {
  const path = join(await t.tmp(), 'none', 'model.gguf')
  const error = await writeSyntheticModel(path, smallLlama).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'STORE_UNREADABLE')
  t.ok(/none/.test(String(error)))
})

test('generated model - too small a vocabulary is refused', async (t) => {
  const path = join(await t.tmp(), 'model.gguf')
  const spec = { ...smallLlama, vocabSize: 511 }
  const error = await writeSyntheticModel(path, spec).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'USAGE_BAD_VALUE')
})
