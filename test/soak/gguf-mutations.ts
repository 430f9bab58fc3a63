// Damage to model files that knows their structure: a walk over the header finds every field, and
// mutations set, swap, repeat, remove and splice fields, besides flipping bits, cutting the file and
// overwriting weights. Structured damage gets past the first checks and reaches the later ones.

import { below, type Random } from '../../src/base/random.ts'

export type FieldKind = 'count' | 'length' | 'type' | 'dimension' | 'offset' | 'value' | 'text'

export interface Field {
  kind: FieldKind
  at: number
  sizeBytes: number
}

/** A key with its value, or a tensor of the table: bytes [at, end). */
export interface Entry {
  what: 'key' | 'tensor'
  at: number
  end: number
}

export interface HeaderMap {
  fields: Field[]
  entries: Entry[]
  /** Where the last entry ends; padding and weights follow. */
  endBytes: number
}

// Sizes of the value types by number; 8 is a string and 9 an array.
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8]
// Of a long list of strings the first ones stand for all: the fields of the rest are left out.
const STRINGS_MAPPED = 40

/** Fields of a valid file. */
export function mapHeader(bytes: Uint8Array): HeaderMap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const map: HeaderMap = { fields: [], entries: [], endBytes: 0 }
  let at = 4
  const field = (kind: FieldKind, sizeBytes: number) => {
    if (sizeBytes > 0) map.fields.push({ kind, at, sizeBytes })
    at += sizeBytes
  }
  const number = (kind: FieldKind, sizeBytes: 4 | 8) => {
    const value = sizeBytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
    field(kind, sizeBytes)
    return value
  }
  const text = (isMapped = true) => {
    if (!isMapped) at += 8 + Number(view.getBigUint64(at, true))
    else field('text', number('length', 8))
  }
  const value = () => {
    const type = number('type', 4)
    if (type === 8) return text()
    if (type !== 9) return field('value', SIZES[type] as number)
    const of = number('type', 4)
    const count = number('count', 8)
    if (of !== 8) return field('value', count * (SIZES[of] as number))
    for (let i = 0; i < count; i++) text(i < STRINGS_MAPPED)
  }
  number('type', 4) // the version
  const tensors = number('count', 8)
  const keys = number('count', 8)
  for (let i = 0; i < keys; i++) {
    const start = at
    text()
    value()
    map.entries.push({ what: 'key', at: start, end: at })
  }
  for (let i = 0; i < tensors; i++) {
    const start = at
    text()
    const dimensions = number('count', 4)
    for (let d = 0; d < dimensions; d++) number('dimension', 8)
    number('type', 4)
    number('offset', 8)
    map.entries.push({ what: 'tensor', at: start, end: at })
  }
  map.endBytes = at
  return map
}

/** A valid file with its map. */
export interface Sample {
  bytes: Uint8Array
  map: HeaderMap
}

const NASTY = [
  0n,
  1n,
  2n,
  31n,
  32n,
  33n,
  255n,
  256n,
  2n ** 16n,
  2n ** 20n,
  2n ** 31n,
  2n ** 32n - 1n
]
const NASTIER = [2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 32n, 2n ** 64n - 1n]
const NASTY_FLOATS = [0, -0, -1, 1e-30, 1e30, NaN, Infinity, -Infinity]

function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T
}

function write(bytes: Buffer, at: number, sizeBytes: number, value: bigint): void {
  for (let i = 0; i < sizeBytes; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 255n)
}

function read(bytes: Buffer, at: number, sizeBytes: number): bigint {
  let value = 0n
  for (let i = 0; i < sizeBytes; i++) value |= BigInt(bytes[at + i] ?? 0) << BigInt(8 * i)
  return value
}

type Mutation = (random: Random, bytes: Buffer, sample: Sample, other: Sample) => Buffer

function numberFields({ map }: Sample): Field[] {
  return map.fields.filter(({ kind, sizeBytes }) => kind !== 'text' && sizeBytes <= 8)
}

/** Same places as in the sample, so this one may follow others only while lengths have not changed. */
const IN_PLACE: Record<string, Mutation> = {
  'a bit': (random, bytes, { map }) => {
    const at = below(random, map.endBytes)
    bytes[at] = (bytes[at] as number) ^ (1 << below(random, 8))
    return bytes
  },
  'a field': (random, bytes, sample) => {
    const { at, sizeBytes } = pick(random, numberFields(sample))
    write(bytes, at, sizeBytes, pick(random, below(random, 2) === 0 ? NASTY : NASTIER))
    return bytes
  },
  'one more or less': (random, bytes, sample) => {
    const { at, sizeBytes } = pick(random, numberFields(sample))
    const step = pick(random, [-32n, -1n, 1n, 32n])
    write(bytes, at, sizeBytes, BigInt.asUintN(64, read(bytes, at, sizeBytes) + step))
    return bytes
  },
  'a type': (random, bytes, { map }) => {
    const types = map.fields.filter(({ kind }) => kind === 'type')
    write(bytes, pick(random, types).at, 4, BigInt(below(random, 40)))
    return bytes
  },
  'another field of its kind': (random, bytes, { map }) => {
    const one = pick(random, map.fields)
    const same = map.fields.filter(
      ({ kind, sizeBytes }) => kind === one.kind && sizeBytes === one.sizeBytes
    )
    bytes.copyWithin(one.at, pick(random, same).at, pick(random, same).at + one.sizeBytes)
    return bytes
  },
  'a number of a value': (random, bytes, { map }) => {
    const { at, sizeBytes } = pick(
      random,
      map.fields.filter(({ kind }) => kind === 'value')
    )
    if (sizeBytes >= 4) {
      const slot = at + 4 * below(random, sizeBytes >> 2)
      if (below(random, 2) === 0) bytes.writeFloatLE(pick(random, NASTY_FLOATS), slot)
      else write(bytes, slot, 4, pick(random, NASTY))
    } else write(bytes, at, sizeBytes, pick(random, NASTY))
    return bytes
  },
  'bytes of a text': (random, bytes, { map }) => {
    const { at, sizeBytes } = pick(
      random,
      map.fields.filter(({ kind }) => kind === 'text')
    )
    bytes[at + below(random, sizeBytes)] = pick(random, [0, 0x20, 0x7b, 0x80, 0xc3, 0xff])
    return bytes
  },
  weights: (random, bytes, { map }) => {
    const room = bytes.byteLength - map.endBytes
    if (room === 0) return bytes
    for (let left = 1 + below(random, 200); left > 0; left--) {
      bytes[map.endBytes + below(random, room)] = below(random, 256)
    }
    return bytes
  }
}

/** Change the length of the file; the last one made. */
const MOVING: Record<string, Mutation> = {
  cut: (random, bytes, { map }) => {
    const inHeader = below(random, 2) === 0
    return bytes.subarray(0, below(random, inHeader ? map.endBytes : bytes.byteLength))
  },
  'cut at a field': (random, bytes, { map }) => bytes.subarray(0, pick(random, map.fields).at),
  'an entry twice': (random, bytes, { map }) => {
    const { what, at, end } = pick(random, map.entries)
    addToCount(bytes, what, below(random, 4) === 0 ? 0n : 1n)
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
  },
  'an entry less': (random, bytes, { map }) => {
    const { what, at, end } = pick(random, map.entries)
    addToCount(bytes, what, below(random, 4) === 0 ? 0n : -1n)
    // The weights stay where they were: padding takes the place of what is gone.
    return Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(end, map.endBytes),
      below(random, 2) === 0 ? new Uint8Array(end - at) : new Uint8Array(0),
      bytes.subarray(map.endBytes)
    ])
  },
  'entries in another order': (random, bytes, { map }) => {
    const { what } = pick(random, map.entries)
    const all = map.entries.filter((entry) => entry.what === what)
    const parts: Uint8Array[] = all.map(({ at, end }) => Buffer.from(bytes.subarray(at, end)))
    for (let i = parts.length - 1; i > 0; i--) {
      const j = below(random, i + 1)
      ;[parts[i], parts[j]] = [parts[j] as Uint8Array, parts[i] as Uint8Array]
    }
    const [first, last] = [all[0] as Entry, all.at(-1) as Entry]
    return Buffer.concat([bytes.subarray(0, first.at), ...parts, bytes.subarray(last.end)])
  },
  spliced: (random, bytes, { map }, other) => {
    const at = pick(random, map.fields).at
    return Buffer.concat([
      bytes.subarray(0, at),
      other.bytes.subarray(pick(random, other.map.fields).at)
    ])
  },
  'weights of another': (_, bytes, { map }, other) => {
    return Buffer.concat([
      bytes.subarray(0, map.endBytes),
      other.bytes.subarray(other.map.endBytes)
    ])
  },
  longer: (random, bytes) => Buffer.concat([bytes, random.bytes(1 + below(random, 100))])
}

function addToCount(bytes: Buffer, what: Entry['what'], step: bigint): void {
  const at = what === 'tensor' ? 8 : 16
  write(bytes, at, 8, BigInt.asUintN(64, read(bytes, at, 8) + step))
}

export const MUTATIONS = { ...IN_PLACE, ...MOVING }

/** One to three mutations of a copy, of which at most the last changes its length. */
export function mutateModel(random: Random, sample: Sample, other: Sample): Buffer {
  let bytes: Buffer = Buffer.from(sample.bytes)
  for (let left = below(random, 3); left > 0; left--) {
    bytes = pick(random, Object.values(IN_PLACE))(random, bytes, sample, other)
  }
  return pick(random, Object.values(MUTATIONS))(random, bytes, sample, other)
}
