import test from 'brittle'

import { EMBEDDING_DIM } from '../../src/base/limits.ts'
import { BASIN_BYTES, decodeBasin, encodeBasin } from '../../src/wire/basin.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

import type { Basin } from '../../src/wire/knowledge.ts'

const codec: Codec<Basin> = { encode: encodeBasin, decode: decodeBasin }

function basin(scale = 1): Basin {
  const vector = new Float32Array(EMBEDDING_DIM).fill(scale / Math.sqrt(EMBEDDING_DIM))
  return { id: '0a'.repeat(16), spaceId: '0b'.repeat(8), wallMs: 1_795_000_000_123, vector }
}

test('basin - withstands foreign bytes', (t) => checkDecoder(t, codec, basin()))

test('basin - every record has the same size', (t) => {
  t.is(encodeBasin(basin()).byteLength, BASIN_BYTES)
  t.is(encodeBasin({ ...basin(), wallMs: 0, id: '00'.repeat(16) }).byteLength, BASIN_BYTES)
  t.is(refusal(codec, new Uint8Array(BASIN_BYTES + 1))?.code, 'WIRE_BAD_FRAME')
})

test('basin - a vector whose length is not 1 is refused on both ways', (t) => {
  const bytes = encodeBasin(basin())
  const at = (scale: number) => {
    const changed = new Uint8Array(bytes)
    const { vector } = basin(scale)
    changed.set(new Uint8Array(vector.buffer), BASIN_BYTES - vector.byteLength)
    return changed
  }
  t.is(refusal(codec, at(1.0004)), null)
  for (const scale of [0, 0.99, 1.01, 2, 1e30, Infinity, NaN]) {
    t.is(encodeRefusal(codec, basin(scale))?.code, 'WIRE_BAD_FRAME', String(scale))
    t.is(refusal(codec, at(scale))?.code, 'WIRE_BAD_FRAME', String(scale))
  }
})

test('basin - a vector of another number of elements is no basin', (t) => {
  for (const count of [0, 1, EMBEDDING_DIM - 1, EMBEDDING_DIM + 1]) {
    const vector = new Float32Array(count)
    if (count > 0) vector[0] = 1
    t.is(encodeRefusal(codec, { ...basin(), vector })?.code, 'WIRE_BAD_FRAME', String(count))
  }
})

test('basin - a vector is read from wherever its bytes lie', (t) => {
  const bytes = encodeBasin(basin())
  const slab = new Uint8Array(BASIN_BYTES + 3)
  slab.set(bytes, 3)
  t.alike(decodeBasin(slab.subarray(3)), basin())
})
