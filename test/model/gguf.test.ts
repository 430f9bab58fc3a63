import { readdirSync } from 'node:fs'
import test, { type Test } from 'brittle'
import { SwarmError, type ErrorCode } from '../../src/base/errors.ts'
import {
  GGUF_KEYS_MAX,
  GGUF_KEY_BYTES_MAX,
  GGUF_STRING_BYTES_MAX,
  GGUF_TENSORS_MAX
} from '../../src/base/limits.ts'
import { bufferSource, FileSource, type ByteSource } from '../../src/model/byte-source.ts'
import { readGguf, type Gguf } from '../../src/model/gguf.ts'
import { encodeGgufHeader } from '../../src/model/gguf-writer.ts'
import { StringList, type GgufValue } from '../../src/model/metadata.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { RawBytes } from '../helpers/raw-bytes.ts'

const U32 = 4
const STRING = 8
const ARRAY = 9
const F32 = 0
const Q4_0 = 2
const MAX = 2n ** 64n - 1n

/** A header with these counts; the caller writes the rest. */
function header(nTensors: number | bigint, nKeys: number | bigint, version = 3): RawBytes {
  return new RawBytes().raw('GGUF').u32(version).u64(nTensors, nKeys)
}

interface TensorFields {
  name?: string
  shape?: (number | bigint)[]
  type?: number
  offset?: number | bigint
  nDims?: number
}

function tensor(out: RawBytes, fields: TensorFields = {}): RawBytes {
  const { name = 'a', shape = [32], type = F32, offset = 0, nDims = shape.length } = fields
  return out
    .text(name)
    .u32(nDims)
    .u64(...shape)
    .u32(type)
    .u64(offset)
}

/** One tensor of 128 bytes, with some fields replaced, and its data. */
function oneTensor(fields: TensorFields): Uint8Array {
  return tensor(header(1, 0), fields).padTo(32).zeros(128).bytes()
}

function read(bytes: Uint8Array): Promise<Gguf> {
  return readGguf(bufferSource(bytes))
}

async function refuses(t: Test, bytes: Uint8Array, code: ErrorCode, text: RegExp): Promise<void> {
  try {
    await read(bytes)
    t.fail(`not refused: ${code} ${text}`)
  } catch (error) {
    t.ok(error instanceof SwarmError, String(error))
    t.is((error as SwarmError).code, code, (error as SwarmError).message)
    t.ok(text.test((error as SwarmError).message), (error as SwarmError).message)
  }
}

test('gguf - a file with no keys and no tensors is read', async (t) => {
  for (const version of [2, 3]) {
    const gguf = await read(header(0, 0, version).bytes())
    t.is(gguf.version, version)
    t.is(gguf.tensors.length, 0)
    t.is(gguf.metadata.size, 0)
  }
})

test('gguf - every value type survives writing and reading', async (t) => {
  const values: [string, GgufValue][] = [
    ['u8', { type: 'u8', value: 255 }],
    ['i8', { type: 'i8', value: -128 }],
    ['u16', { type: 'u16', value: 65_535 }],
    ['i16', { type: 'i16', value: -32_768 }],
    ['u32', { type: 'u32', value: 2 ** 32 - 1 }],
    ['i32', { type: 'i32', value: -(2 ** 31) }],
    ['u64', { type: 'u64', value: MAX }],
    ['u64 small', { type: 'u64', value: 7 }],
    ['i64', { type: 'i64', value: -5 }],
    ['f32', { type: 'f32', value: 0.5 }],
    ['f64', { type: 'f64', value: 0.1 }],
    ['yes', { type: 'bool', value: true }],
    ['text', { type: 'string', value: 'Zoë 🐶' }],
    ['f32s', { type: 'array', of: 'f32', value: Float32Array.of(1, -2, 3.5) }],
    ['i32s', { type: 'array', of: 'i32', value: Int32Array.of(-1, 2 ** 31 - 1) }],
    ['u64s', { type: 'array', of: 'u64', value: BigUint64Array.of(1n, MAX) }],
    ['none', { type: 'array', of: 'i16', value: new Int16Array(0) }]
  ]
  const { bytes } = encodeGgufHeader({ metadata: values, tensors: [] })
  const { metadata } = await read(bytes)
  for (const [key, value] of values) t.alike(metadata.get(key), value, key)
})

test('gguf - a list of strings keeps its bytes', async (t) => {
  const texts = ['', 'a', 'Zoë', '', '🐶'.repeat(1000)]
  const value = StringList.of(texts)
  const { bytes } = encodeGgufHeader({
    metadata: [['list', { type: 'array', of: 'string', value }]],
    tensors: []
  })
  const list = (await read(bytes)).metadata.texts('list')
  t.alike(
    texts.map((_, i) => list?.at(i)),
    texts
  )
  t.is(list?.bytesAt(2).length, 4)
})

test('gguf - tensors get absolute places under any alignment', async (t) => {
  for (const alignment of [1, 8, 32, 4096]) {
    const written = encodeGgufHeader({
      alignment,
      metadata: [],
      tensors: [
        { name: 'a', typeId: F32, shape: [3] },
        { name: 'b', typeId: Q4_0, shape: [64, 2] }
      ]
    })
    const file = new RawBytes().raw(written.bytes)
    const gguf = await read(file.zeros(written.sizeBytes - file.length).bytes())
    t.is(gguf.alignment, alignment)
    t.is(gguf.dataOffsetBytes % alignment, 0)
    t.alike(gguf.tensors, written.tensors)
    t.is(gguf.tensors[1]?.sizeBytes, 72)
  }
})

test('gguf - refuses what is not a model', async (t) => {
  const code = 'MODEL_BAD_MAGIC'
  await refuses(t, new RawBytes().raw('PK\u0003\u0004').zeros(60).bytes(), code, /GGUF/)
  await refuses(t, new RawBytes().raw('FUGG').zeros(60).bytes(), code, /GGUF/)
  await refuses(t, new Uint8Array(0), code, /GGUF/)
  await refuses(t, new RawBytes().raw('GGU').bytes(), code, /GGUF/)
})

test('gguf - refuses versions it does not read, each with its reason', async (t) => {
  const code = 'MODEL_BAD_VERSION'
  await refuses(t, header(0, 0, 0).bytes(), code, /version 0/)
  await refuses(t, header(0, 0, 1).bytes(), code, /version 1.*convert it again/)
  await refuses(t, header(0, 0, 4).bytes(), code, /version 4/)
  await refuses(t, header(0, 0, 0x03000000).bytes(), code, /big-endian/)
})

test('gguf - refuses counts that the file cannot hold', async (t) => {
  for (const count of [MAX, 2n ** 63n, GGUF_TENSORS_MAX + 1]) {
    await refuses(t, header(count, 0).bytes(), 'MODEL_TOO_LARGE', /tensors/)
  }
  for (const count of [MAX, 2n ** 63n, GGUF_KEYS_MAX + 1]) {
    await refuses(t, header(0, count).bytes(), 'MODEL_TOO_LARGE', /keys/)
  }
  await refuses(t, header(GGUF_TENSORS_MAX, 0).bytes(), 'MODEL_TRUNCATED', /tensors/)
  await refuses(t, header(0, GGUF_KEYS_MAX).bytes(), 'MODEL_TRUNCATED', /keys/)
})

test('gguf - refuses keys of no, absurd or too great length', async (t) => {
  const code = 'MODEL_BAD_METADATA'
  await refuses(t, header(0, 1).u64(MAX).zeros(64).bytes(), code, /key number 0/)
  await refuses(t, header(0, 1).u64(0).zeros(64).bytes(), code, /key number 0/)
  const long = GGUF_KEY_BYTES_MAX + 1
  await refuses(
    t,
    header(0, 1)
      .u64(long)
      .zeros(long + 64)
      .bytes(),
    code,
    /65536/
  )
  await refuses(t, header(0, 1).u64(2).u8(0xff, 0xfe).zeros(64).bytes(), code, /UTF-8/)
  const longest = header(0, 1).text('k'.repeat(GGUF_KEY_BYTES_MAX)).u32(U32, 7).bytes()
  t.is((await read(longest)).metadata.size, 1)
})

test('gguf - refuses value types that do not exist and nested arrays', async (t) => {
  const key = header(0, 1).text('some.key').bytes()
  const with_ = () => new RawBytes().raw(key)
  const code = 'MODEL_BAD_METADATA'
  await refuses(t, with_().u32(13).zeros(64).bytes(), code, /some\.key.*value type 13/)
  await refuses(t, with_().u32(-1).zeros(64).bytes(), code, /some\.key.*value type/)
  await refuses(t, with_().u32(ARRAY, 99).u64(1).zeros(64).bytes(), code, /value type 99/)
  await refuses(t, with_().u32(ARRAY, ARRAY).u64(1).zeros(64).bytes(), code, /array of arrays/)
  await refuses(t, with_().u32(7).u8(2).zeros(16).bytes(), code, /boolean/)
})

test('gguf - refuses a key that appears twice', async (t) => {
  const twice = header(0, 2).text('some.key').u32(U32, 1).text('some.key').u32(U32, 2)
  await refuses(t, twice.bytes(), 'MODEL_BAD_METADATA', /some\.key.*twice/)
})

test('gguf - refuses strings and arrays longer than the file or their bound', async (t) => {
  const key = header(0, 1).text('some.key').bytes()
  const with_ = () => new RawBytes().raw(key)
  await refuses(t, with_().u32(STRING).u64(MAX).zeros(64).bytes(), 'MODEL_TOO_LARGE', /some\.key/)
  const above = GGUF_STRING_BYTES_MAX + 1
  await refuses(t, with_().u32(STRING).u64(above).zeros(64).bytes(), 'MODEL_TOO_LARGE', /some\.key/)
  await refuses(t, with_().u32(STRING).u64(65).zeros(64).bytes(), 'MODEL_TRUNCATED', /some\.key/)
  for (const [type, size] of [
    [U32, 4],
    [STRING, 8],
    [12, 8],
    [0, 1]
  ] as const) {
    for (const count of [MAX, 2n ** 61n, 2n ** 53n, BigInt(64 / size + 1)]) {
      const bytes = with_().u32(ARRAY, type).u64(count).zeros(64).bytes()
      await refuses(t, bytes, 'MODEL_TRUNCATED', /some\.key/)
    }
  }
  const inside = with_().u32(ARRAY, STRING).u64(2).text('ok').u64(MAX).zeros(64).bytes()
  await refuses(t, inside, 'MODEL_TOO_LARGE', /some\.key/)
})

test('gguf - refuses an alignment that is no power of two or no u32', async (t) => {
  const key = () => header(0, 1).text('general.alignment')
  const code = 'MODEL_BAD_METADATA'
  for (const value of [0, 13, 33]) {
    await refuses(t, key().u32(U32, value).bytes(), code, /general\.alignment/)
  }
  await refuses(t, key().u32(10).u64(32).bytes(), code, /general\.alignment.*u64/)
  await refuses(t, key().u32(STRING).text('32').bytes(), code, /general\.alignment/)
  await refuses(t, key().u32(ARRAY, U32).u64(1).u32(32).bytes(), code, /general\.alignment/)
  t.is((await read(key().u32(U32, 64).bytes())).alignment, 64)
})

test('gguf - refuses tensor names of no or too great length', async (t) => {
  const code = 'MODEL_BAD_TENSOR'
  await refuses(t, oneTensor({ name: '' }), code, /tensor number 0/)
  await refuses(t, oneTensor({ name: 'x'.repeat(64) }), code, /tensor number 0.*64/)
  await refuses(t, header(1, 0).u64(MAX).zeros(96).bytes(), code, /tensor number 0/)
  t.is((await read(oneTensor({ name: 'x'.repeat(63) }))).tensors.length, 1)
})

test('gguf - refuses shapes that no tensor has', async (t) => {
  const code = 'MODEL_BAD_TENSOR'
  await refuses(t, oneTensor({ nDims: 0 }), code, /'a' has 0 dimensions/)
  await refuses(t, oneTensor({ shape: [2, 2, 2, 2, 2] }), code, /'a' has 5 dimensions/)
  await refuses(t, oneTensor({ nDims: 2 ** 32 - 1 }), code, /'a'.*dimensions/)
  await refuses(t, oneTensor({ shape: [0] }), code, /'a'.*empty/)
  await refuses(t, oneTensor({ shape: [32, 0] }), code, /'a'.*empty/)
  await refuses(t, oneTensor({ shape: [MAX] }), code, /'a'.*2\^53/)
  await refuses(t, oneTensor({ shape: [2n ** 32n, 2n ** 32n] }), code, /'a'.*2\^53/)
  await refuses(t, oneTensor({ shape: [2n ** 51n, 4] }), code, /'a'.*2\^53/)
  await refuses(t, oneTensor({ shape: [2n ** 20n, 2n ** 20n, 2n ** 20n, 2n ** 20n] }), code, /'a'/)
  await refuses(t, oneTensor({ shape: [2n ** 52n] }), code, /'a'.*2\^53/)
  await refuses(t, oneTensor({ shape: [0x7fffffffffffffc0n] }), code, /'a'.*2\^53/)
  t.alike((await read(oneTensor({ shape: [2, 2, 2, 2] }))).tensors[0]?.shape, [2, 2, 2, 2])
})

test('gguf - refuses number formats that it does not know and rows of broken blocks', async (t) => {
  for (const type of [4, 31, 41, 99, 2 ** 32 - 1]) {
    await refuses(t, oneTensor({ type }), 'MODEL_UNSUPPORTED_TYPE', new RegExp(`'a'.* ${type},`))
  }
  const broken = oneTensor({ type: Q4_0, shape: [33] })
  await refuses(t, broken, 'MODEL_BAD_TENSOR', /'a'.*33.*Q4_0/)
  t.is((await read(oneTensor({ type: Q4_0, shape: [32, 3] }))).tensors[0]?.sizeBytes, 54)
})

test('gguf - refuses offsets that are unaligned, wrap around or lie outside', async (t) => {
  await refuses(t, oneTensor({ offset: 1 }), 'MODEL_BAD_TENSOR', /'a'.*offset 1/)
  await refuses(t, oneTensor({ offset: 2n ** 64n - 32n }), 'MODEL_BAD_TENSOR', /'a'.*offset/)
  await refuses(t, oneTensor({ offset: 2n ** 53n }), 'MODEL_BAD_TENSOR', /'a'.*offset/)
  await refuses(t, oneTensor({ offset: 32 }), 'MODEL_TRUNCATED', /'a'.*ends at byte/)
  await refuses(t, oneTensor({ offset: 2n ** 52n }), 'MODEL_TRUNCATED', /'a'/)
  await refuses(t, oneTensor({ shape: [33] }), 'MODEL_TRUNCATED', /'a'/)
})

test('gguf - refuses tensors on top of each other and names used twice', async (t) => {
  const two = (second: TensorFields) =>
    tensor(tensor(header(2, 0)), { name: 'b', ...second })
      .padTo(32)
      .zeros(256)
      .bytes()
  t.is((await read(two({ offset: 128 }))).tensors.length, 2)
  await refuses(t, two({ offset: 96 }), 'MODEL_BAD_TENSOR', /'a' overlaps tensor 'b'/)
  await refuses(t, two({ offset: 0 }), 'MODEL_BAD_TENSOR', /overlaps/)
  await refuses(t, two({ offset: 128, name: 'a' }), 'MODEL_BAD_TENSOR', /'a' appears twice/)
  const huge = tensor(tensor(header(2, 0), { shape: [0x7fffffffffffffc0n] }), {
    name: 'b',
    shape: [0x7fffffffffffffc0n]
  })
  await refuses(t, huge.padTo(32).bytes(), 'MODEL_BAD_TENSOR', /2\^53/)
})

test('gguf - a header that claims more than its bound is refused without reading it', async (t) => {
  const key = () => header(0, 1).text('some.key').u32(ARRAY)
  for (const start of [
    key()
      .u32(0)
      .u64(2 ** 30),
    key()
      .u32(STRING)
      .u64(2 ** 30)
  ]) {
    let readBytes = 0
    const bytes = start.bytes()
    const source: ByteSource = {
      sizeBytes: 2 ** 40,
      read(offset, length) {
        readBytes += length
        const out = new Uint8Array(length)
        out.set(bytes.subarray(offset, offset + length))
        return Promise.resolve(out)
      },
      close: () => Promise.resolve()
    }
    const error = await readGguf(source).catch((error: unknown) => error)
    t.is(error instanceof SwarmError ? error.code : String(error), 'MODEL_TOO_LARGE')
    t.ok(readBytes < 2 ** 22, `${readBytes} bytes were read`)
  }
})

test('gguf - a header cut at any byte is refused as cut off', async (t) => {
  const { bytes, sizeBytes } = encodeGgufHeader({
    alignment: 64,
    metadata: [
      ['a.text', { type: 'string', value: 'hello' }],
      ['a.list', { type: 'array', of: 'string', value: StringList.of(['x', 'yz']) }],
      ['a.numbers', { type: 'array', of: 'f32', value: Float32Array.of(1, 2, 3) }],
      ['a.flag', { type: 'bool', value: true }]
    ],
    tensors: [
      { name: 'first', typeId: F32, shape: [4, 4] },
      { name: 'second', typeId: Q4_0, shape: [32] }
    ]
  })
  const whole = new RawBytes()
    .raw(bytes)
    .zeros(sizeBytes - bytes.length)
    .bytes()
  t.is((await read(whole)).tensors.length, 2)
  const wrong: string[] = []
  for (let length = 4; length < bytes.length; length++) {
    const error = await read(whole.slice(0, length)).catch((error: unknown) => error)
    if (!(error instanceof SwarmError) || error.code !== 'MODEL_TRUNCATED') {
      wrong.push(`${length}: ${String(error)}`)
    }
  }
  t.alike(wrong, [])
})

test('gguf - a header across many windows is read as one', async (t) => {
  const texts = Array.from({ length: 60_000 }, (_, i) => `token ${i} ${'x'.repeat(i % 60)}`)
  const scores = Float32Array.from({ length: 400_000 }, (_, i) => i)
  const { bytes } = encodeGgufHeader({
    metadata: [
      ['list', { type: 'array', of: 'string', value: StringList.of(texts) }],
      ['scores', { type: 'array', of: 'f32', value: scores }],
      ['after', { type: 'u32', value: 9 }]
    ],
    tensors: []
  })
  t.ok(bytes.length > 4 * 2 ** 20)
  const { metadata } = await read(bytes)
  const list = metadata.texts('list')
  t.ok(texts.every((text, i) => list?.at(i) === text))
  t.alike(metadata.floats('scores'), scores)
  t.is(metadata.integer('after'), 9)
})

dataTest('gguf - the real vocabularies and models are read', {}, async (t) => {
  for (const set of ['llama.cpp-vocab', 'stories260K']) {
    for (const name of readdirSync(dataPath(set)).filter((name) => name.endsWith('.gguf'))) {
      const source = await FileSource.open(dataPath(set, name))
      t.teardown(() => source.close())
      const gguf = await readGguf(source)
      t.ok(gguf.metadata.size >= 16, name)
      t.is(gguf.tensors.length, set === 'stories260K' ? 47 : 0, name)
      t.is(gguf.sizeBytes, source.sizeBytes, name)
    }
  }
})
