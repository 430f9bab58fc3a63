import { appendFileSync, truncateSync, unlinkSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type Test } from 'brittle'
import { isAbort, SwarmError, type ErrorCode } from '../../src/base/errors.ts'
import { openModel } from '../../src/model/open-model.ts'
import {
  smallLlama,
  smallQwen2,
  smallQwen3,
  type SyntheticSpec
} from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import { dataPath, dataTest } from '../helpers/data.ts'

async function made(t: Test, spec: SyntheticSpec = smallLlama, name = 'model.gguf') {
  const folder = await t.tmp()
  const path = join(folder, name)
  await writeSyntheticModel(path, spec)
  return { folder, path, idCachePath: join(folder, 'ids.json') }
}

async function refuses(t: Test, path: string, code: ErrorCode, message: RegExp): Promise<void> {
  const error = await openModel(path).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : String(error), code)
  t.ok(message.test(String(error)), String(error))
}

test('open model - a generated model of each architecture opens', async (t) => {
  for (const spec of [smallLlama, smallQwen2, smallQwen3]) {
    const { path } = await made(t, spec)
    const model = await openModel(path)
    t.is(model.name, spec.name)
    t.is(model.path, path)
    t.is(model.tied, spec.tied)
    t.is(model.hyper.architecture, spec.architecture)
    t.is(model.tokenizer.vocabSize, spec.vocabSize)
    t.ok(/^[0-9a-f]{64}$/.test(model.id))
    t.ok(model.tensors.every(({ offsetBytes }) => offsetBytes >= model.headerBytes))
    t.is(model.sizeBytes, (await readFile(path)).length)
  }
})

test('open model - the template and the tokenizer of a generated model fit together', async (t) => {
  for (const spec of [smallLlama, smallQwen2]) {
    const { chatTemplate, tokenizer } = await openModel((await made(t, spec)).path)
    const text = chatTemplate?.render([{ role: 'user', content: 'the river' }], {
      addGenerationPrompt: true,
      bosToken: tokenizer.bosId === null ? '' : tokenizer.textOf(tokenizer.bosId),
      eosToken: '',
      now: new Date(0)
    })
    const ids = tokenizer.encode(text ?? '', { special: true, bos: false })
    t.is(ids[0], tokenizer.addsBos ? tokenizer.bosId : 1)
    t.ok(ids.length > 8)
    t.ok([...ids].map((id) => tokenizer.textOf(id)).some((piece) => /river/.test(piece)))
  }
})

test('open model - the id follows the bytes, not the name', async (t) => {
  const { folder, path } = await made(t)
  const copy = join(folder, 'copy.gguf')
  await copyFile(path, copy)
  const { id } = await openModel(path)
  t.is((await openModel(copy)).id, id)
  await writeSyntheticModel(copy, { ...smallLlama, seed: 2 })
  t.not((await openModel(copy)).id, id)
})

test('open model - a remembered file is not hashed again', async (t) => {
  const { path, idCachePath } = await made(t)
  const open = async () => {
    let hashedBytes = 0
    const { id } = await openModel(path, {
      idCachePath,
      onProgress: (done) => (hashedBytes = done)
    })
    return { id, hashedBytes }
  }
  const first = await open()
  const second = await open()
  t.ok(first.hashedBytes > 0)
  t.is(second.hashedBytes, 0)
  t.is(second.id, first.id)
  await writeSyntheticModel(path, { ...smallLlama, seed: 3 })
  const third = await open()
  t.ok(third.hashedBytes > 0)
  t.not(third.id, first.id)
})

test('open model - an id that nobody needs is not computed, but recalled', async (t) => {
  const { path, idCachePath } = await made(t)
  const open = async (withoutId: boolean) => {
    let isHashed = false
    const onProgress = () => (isHashed = true)
    const { id } = await openModel(path, { idCachePath, withoutId, onProgress })
    return { id, isHashed }
  }
  t.alike(await open(true), { id: '0'.repeat(64), isHashed: false })
  const { id } = await open(false)
  t.not(id, '0'.repeat(64))
  t.alike(await open(true), { id, isHashed: false })
})

test('open model - a damaged memory of ids is rewritten', async (t) => {
  const { path, idCachePath } = await made(t)
  const { id } = await openModel(path, { idCachePath })
  await writeFile(idCachePath, '{"version":1,"entries":[{"path":')
  t.is((await openModel(path, { idCachePath })).id, id)
  t.ok((await readFile(idCachePath, 'utf8')).includes(id))
})

test('open model - a file without a name of its own has the name of its file', async (t) => {
  const { path } = await made(t, { ...smallLlama, name: '  ' }, 'My Model.Q4_K_M.gguf')
  t.is((await openModel(path)).name, 'My Model.Q4_K_M')
})

test('open model - foreign names are fit for a line', async (t) => {
  const { path } = await made(t, { ...smallLlama, name: `a\u001B[31m\n${'x'.repeat(500)}` })
  const { name } = await openModel(path)
  t.is(name.length, 80)
  t.absent(/\p{Cc}/u.test(name))
})

test('open model - the usual mistakes with paths have their own sentences', async (t) => {
  const { folder, path } = await made(t)
  await refuses(t, join(folder, 'none.gguf'), 'MODEL_NOT_FOUND', /no file '.*none\.gguf'/)
  await mkdir(join(folder, 'models'))
  await refuses(t, join(folder, 'models'), 'MODEL_NOT_FOUND', /directory/)
  await writeFile(join(folder, 'empty.gguf'), '')
  await refuses(t, join(folder, 'empty.gguf'), 'MODEL_NOT_FOUND', /empty\.gguf' is empty/)
  const split = join(folder, 'big-00002-of-00003.gguf')
  await rename(path, split)
  await refuses(t, split, 'MODEL_NOT_FOUND', /part 2 of 3.*join/)
})

test('open model - a file that is not whole is refused before it is hashed', async (t) => {
  const { path } = await made(t)
  await truncate(path, 1_000_000)
  await refuses(t, path, 'MODEL_TRUNCATED', /tensor '/)
  await writeFile(path, 'hello')
  await refuses(t, path, 'MODEL_BAD_MAGIC', /GGUF/)
})

test('open model - a file that grows while it is hashed is refused', async (t) => {
  const { path } = await made(t)
  let grown = false
  const work = openModel(path, {
    onProgress() {
      if (!grown) appendFileSync(path, 'more')
      grown = true
    }
  })
  const error = await work.catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'MODEL_CHANGED')
})

test('open model - a file that shrinks while it is hashed is refused', async (t) => {
  const { path } = await made(t)
  const onProgress = () => truncateSync(path, 4096)
  const error = await openModel(path, { onProgress }).catch((error: unknown) => error)
  t.is(error instanceof SwarmError ? error.code : '', 'MODEL_TRUNCATED')
})

test('open model - a file that loses its name while it is hashed is the file that was opened', async (t) => {
  const { path } = await made(t)
  const { id } = await openModel(path)
  let gone = false
  const again = await openModel(path, {
    onProgress() {
      if (!gone) unlinkSync(path)
      gone = true
    }
  })
  t.is(again.id, id)
  await refuses(t, path, 'MODEL_NOT_FOUND', /no file/)
})

test('open model - an abort ends it', async (t) => {
  const { path } = await made(t)
  const error = await openModel(path, { signal: AbortSignal.abort() }).catch(
    (error: unknown) => error
  )
  t.ok(isAbort(error))
})

dataTest('open model - the real trained model opens', {}, async (t) => {
  const model = await openModel(dataPath('stories260K', 'stories260K-Q8_0.gguf'))
  t.is(model.name, 'stories260K')
  t.is(model.tensors.length, 47)
  t.ok(model.tied)
  t.is(model.chatTemplate, null)
  t.alike([...model.tokenizer.stopIds], [2])
})
