import { readFileSync } from 'node:fs'
import test from 'brittle'
import {
  rowBytes,
  SUPPORTED_TYPES,
  tensorType,
  tensorTypeNamed,
  TENSOR_TYPES
} from '../../src/model/tensor-types.ts'
import { dataPath, dataTest } from '../helpers/data.ts'

interface ManifestType {
  id: number
  block: number
  bytes: number
}

test('tensor types - ids and names are unique', (t) => {
  t.is(new Set(TENSOR_TYPES.map(({ id }) => id)).size, TENSOR_TYPES.length)
  t.is(new Set(TENSOR_TYPES.map(({ name }) => name)).size, TENSOR_TYPES.length)
})

test('tensor types - exactly the thirteen supported ones are marked so', (t) => {
  const marked = TENSOR_TYPES.filter(({ supported }) => supported).map(({ name }) => name)
  t.alike(marked.toSorted(), [...SUPPORTED_TYPES].toSorted())
  t.is(marked.length, 13)
})

test('tensor types - an unknown id has no type', (t) => {
  for (const id of [-1, 4, 5, 31, 38, 41, 2 ** 32 - 1, 0.5]) t.is(tensorType(id), null, String(id))
})

test('tensor types - a row is whole blocks', (t) => {
  t.is(rowBytes(tensorTypeNamed('Q4_K'), 4096), 16 * 144)
  t.is(rowBytes(tensorTypeNamed('F16'), 7), 14)
})

dataTest('tensor types - equal to what ggml itself says', {}, (t) => {
  const manifest = JSON.parse(readFileSync(dataPath('quant-blocks', 'manifest.json'), 'utf8')) as {
    types: Record<string, ManifestType>
  }
  t.is(Object.keys(manifest.types).length, 24)
  for (const [name, { id, block, bytes }] of Object.entries(manifest.types)) {
    const type = tensorType(id)
    t.alike([type?.name, type?.blockLength, type?.bytesPerBlock], [name, block, bytes])
  }
})
