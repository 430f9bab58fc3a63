import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { seededRandom, systemRandom } from '../../src/base/random.ts'
import { identityOf, openIdentity, signRecord, verifyRecord } from '../../src/peer/identity.ts'

async function refusalOf(work: Promise<unknown>): Promise<SwarmError | null> {
  try {
    await work
    return null
  } catch (error) {
    return error instanceof SwarmError ? error : null
  }
}

test('identity - is made once, private, and found again', async (t) => {
  const dataDir = join(await t.tmp(), 'a', 'b')
  const made = await openIdentity(dataDir, systemRandom)
  const found = await openIdentity(dataDir, systemRandom)
  t.is(found.id, made.id)
  t.alike(found.keyPair, made.keyPair)
  t.is((await stat(join(dataDir, 'identity'))).mode & 0o777, 0o600)
  t.alike(await readdir(dataDir), ['identity'], 'no draft is left')
})

test('identity - two data directories are two peers', async (t) => {
  const [a, b] = [await t.tmp(), await t.tmp()]
  const ids = [await openIdentity(a, systemRandom), await openIdentity(b, systemRandom)]
  t.unlike(ids[0]?.id, ids[1]?.id)
})

test('identity - processes that start at once agree on one key', async (t) => {
  const dataDir = await t.tmp()
  const found = await Promise.all(
    Array.from({ length: 8 }, (_, seed) => openIdentity(dataDir, seededRandom(seed)))
  )
  t.is(new Set(found.map(({ id }) => id)).size, 1)
})

test('identity - a file that others can read is refused with what to do', async (t) => {
  const dataDir = await t.tmp()
  await openIdentity(dataDir, systemRandom)
  const path = join(dataDir, 'identity')
  for (const mode of [0o640, 0o604, 0o660, 0o666]) {
    await chmod(path, mode)
    const refusal = await refusalOf(openIdentity(dataDir, systemRandom))
    t.is(refusal?.code, 'STORE_UNREADABLE', mode.toString(8))
    t.ok(refusal?.message.includes('chmod 600') && refusal.message.includes(path))
  }
})

test('identity - a damaged file is refused and never replaced', async (t) => {
  const dataDir = await t.tmp()
  await openIdentity(dataDir, systemRandom)
  const path = join(dataDir, 'identity')
  const good = await readFile(path, 'utf8')
  const flipped = good.replace(/secret (.)/, (_, digit) => `secret ${digit === '0' ? '1' : '0'}`)
  for (const text of ['', good.slice(0, -1), good + '\n', flipped, good.replace('1', '2'), 'x']) {
    await writeFile(path, text)
    t.is((await refusalOf(openIdentity(dataDir, systemRandom)))?.code, 'STORE_UNREADABLE')
    t.is(await readFile(path, 'utf8'), text)
  }
})

test('identity - a path that cannot be used is refused by name', async (t) => {
  const dataDir = await t.tmp()
  await mkdir(join(dataDir, 'identity'), { mode: 0o700 })
  const refusal = await refusalOf(openIdentity(dataDir, systemRandom))
  t.is(refusal?.code, 'STORE_UNREADABLE')
  t.ok(refusal?.message.includes(dataDir))
})

test('identity - a signature is good for its record and its key only', (t) => {
  const [a, b] = [identityOf(new Uint8Array(32).fill(1)), identityOf(new Uint8Array(32).fill(2))]
  const signed = signRecord(a, Buffer.from('a record'))
  t.ok(verifyRecord(a.id, signed))
  t.absent(verifyRecord(b.id, signed))
  t.absent(verifyRecord(a.id, { ...signed, bytes: Buffer.from('a recorD') }))
  t.absent(verifyRecord(a.id, { ...signed, signature: new Uint8Array(64) }))
  t.absent(verifyRecord(a.id, { ...signed, signature: new Uint8Array(3) }))
})

test('identity - what is signed begins with a label, so it is no signature of the bare bytes', (t) => {
  const identity = identityOf(new Uint8Array(32).fill(1))
  const { signature } = signRecord(identity, Buffer.from('x'))
  const other = signRecord(identity, Buffer.from('swarm record 1x'))
  t.unlike(signature, other.signature)
})
