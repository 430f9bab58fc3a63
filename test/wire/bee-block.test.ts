import Corestore from 'corestore'
import Hyperbee from 'hyperbee'
import test from 'brittle'

import { FACT_BLOCK_BYTES_MAX } from '../../src/base/limits.ts'
import { decodeBeeBlock, encodeBeeBlock, type BeeBlock } from '../../src/wire/bee-block.ts'
import { checkDecoder, refusal, type Codec } from './decoder-checks.ts'

const codec: Codec<BeeBlock> = { encode: encodeBeeBlock, decode: decodeBeeBlock }

const bytes = (...values: number[]) => new Uint8Array(values)

test('bee block - withstands foreign bytes', (t) => {
  const value = new Uint8Array(200).fill(9)
  checkDecoder(t, codec, { index: bytes(1, 2, 3), key: new Uint8Array(16).fill(4), value })
})

test('bee block - is read as Hyperbee writes it', async (t) => {
  const store = new Corestore(await t.tmp())
  t.teardown(() => store.close())
  const core = store.get({ name: 'bee', allowFork: false })
  const bee = new Hyperbee(core, { extension: false })
  await bee.ready()
  const entries = Array.from({ length: 300 }, (_, at) => {
    return [Buffer.from(`key ${at}`), Buffer.from('v'.repeat(at * 7))] as const
  })
  for (let at = 0; at < entries.length; at += 50) {
    const batch = bee.batch()
    for (const [key, value] of entries.slice(at, at + 50)) await batch.put(key, value)
    await core.append(batch.toBlocks())
    await batch.close()
  }
  const wrong: number[] = []
  for (const [at, [key, value]] of entries.entries()) {
    const block = (await core.get(at + 1)) as Uint8Array
    const read = decodeBeeBlock(block)
    const isSame = key.equals(read.key) && value.equals(read.value)
    if (!isSame || !Buffer.from(encodeBeeBlock(read)).equals(block)) wrong.push(at)
  }
  t.alike(wrong, [])
  t.exception(() => decodeBeeBlock(new Uint8Array([10, 0])), /cut short|layout/)
})

test('bee block - lengths are refused at their bound, and in a longer form', (t) => {
  t.is(refusal(codec, new Uint8Array(FACT_BLOCK_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, bytes(10, 0x80, 0x80, 0x80, 0x01))?.code, 'WIRE_BAD_FRAME')
  t.is(refusal(codec, bytes(10, 0x80, 0x00, 18, 0))?.code, 'WIRE_BAD_FRAME')
  t.is(refusal(codec, bytes(10, 0, 18, 0, 26, 0)), null)
  t.is(refusal(codec, bytes(10, 0, 18, 0))?.code, 'WIRE_BAD_FRAME')
  t.is(refusal(codec, bytes(10, 0, 18, 1))?.code, 'WIRE_BAD_FRAME')
  t.is(refusal(codec, bytes(18, 0, 10, 0))?.code, 'WIRE_BAD_FRAME')
})
