// The parts that messages and records are made of. A field knows its width, its bound and its name, and
// checks them when it writes as well as when it reads, so that a wrong value is found where it is made.
// One value has one encoding: what decodes, encodes to the same bytes. Counts and lengths are checked
// before anything is allocated for them. Knows no message: whole-message.ts makes those of them.

import * as c from 'compact-encoding'

import { SwarmError } from '../base/errors.ts'
import { fromHex, toHex } from '../base/text.ts'

type State = ReturnType<typeof c.state>

/** How a field lies on the wire, in words; the tables of docs/protocol.md are written from it. */
export interface Layout {
  /** Its bytes: a number, or a formula in n where that depends on the value. */
  readonly size: string
  /** What they mean and within which bounds; empty for a struct, which is only its parts. */
  readonly reads: string
  /** What follows, in order: `[]` names the items of a list, an empty name the same field. */
  readonly parts: readonly (readonly [name: string, layout: Layout])[]
}

/** One part of a message, in compact-encoding's form. @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export interface Field<T> {
  readonly layout: Layout
  preencode(state: State, value: T): void
  encode(state: State, value: T): void
  decode(state: State): T
}

const WIDTHS = { 1: c.uint8, 2: c.uint16, 4: c.uint32, 8: c.uint64 } as const

/** A whole number, little-endian in a fixed width; 8 bytes reach 2^53 - 1. */
export function whole(
  widthBytes: keyof typeof WIDTHS,
  least: number,
  most: number,
  name: string
): Field<number> {
  const reads = `whole number, ${power(least)} to ${power(most)}`
  const bytes = { ...WIDTHS[widthBytes], layout: leaf(widthBytes, reads) }
  return checked(bytes, (value) => {
    if (Number.isInteger(value) && least <= value && value <= most) return
    throw badFrame(`${name} is ${value}, not a whole number from ${least} to ${most}`)
  })
}

/** A float64 between two finite bounds, so neither NaN nor an infinity. */
export function finite(least: number, most: number, name: string): Field<number> {
  const bytes = { ...c.float64, layout: leaf(8, `float64, ${least} to ${most}`) }
  return checked(bytes, (value) => {
    if (least <= value && value <= most) return
    throw badFrame(`${name} is ${value}, not a number from ${least} to ${most}`)
  })
}

/** One of a few words, as its index in one byte. */
export function oneOf<T extends string>(words: readonly T[], name: string): Field<T> {
  const index = whole(1, 0, words.length - 1, name)
  const reads = words.map((word, at) => `${at} ${word}`).join(', ')
  return {
    layout: leaf(1, reads),
    preencode: (state) => index.preencode(state, 0),
    encode: (state, word) => index.encode(state, words.indexOf(word)),
    decode: (state) => words[index.decode(state)] as T
  }
}

export function flag(name: string): Field<boolean> {
  const bit = whole(1, 0, 1, name)
  return {
    layout: leaf(1, '0 no, 1 yes'),
    preencode: (state) => bit.preencode(state, 0),
    encode: (state, value) => bit.encode(state, value ? 1 : 0),
    decode: (state) => bit.decode(state) === 1
  }
}

/** Exactly so many bytes; what is read is a view into the message. */
export function fixed(sizeBytes: number, name: string): Field<Uint8Array> {
  const field = c.fixed(sizeBytes)
  return {
    layout: leaf(sizeBytes, 'bytes'),
    preencode(state) {
      state.end += sizeBytes
    },
    encode(state, value) {
      if (value.byteLength !== sizeBytes) {
        throw badFrame(`${name} has ${value.byteLength} bytes, not ${sizeBytes}`)
      }
      field.encode(state, value)
    },
    decode: (state) => field.decode(state)
  }
}

/** Bytes that are lower-case hexadecimal text in memory: keys, ids and hashes. */
export function hex<T extends string>(sizeBytes: number, name: string): Field<T> {
  const bytes = fixed(sizeBytes, name)
  return {
    layout: bytes.layout,
    preencode(state) {
      state.end += sizeBytes
    },
    encode(state, text) {
      const value = fromHex(text, sizeBytes)
      if (value === null || text !== text.toLowerCase()) {
        throw badFrame(`${name} is not ${sizeBytes * 2} lower-case hexadecimal digits`)
      }
      bytes.encode(state, value)
    },
    decode: (state) => toHex(bytes.decode(state)) as T
  }
}

/** Bytes with their length in two; what is read is a view into the message. */
export function blob(sizeMaxBytes: number, name: string): Field<Uint8Array> {
  const check = (sizeBytes: number) => refuseAbove(sizeBytes, sizeMaxBytes, `the bytes of ${name}`)
  return {
    layout: leaf('2 + n', `n, 0 to ${sizeMaxBytes}; bytes`),
    preencode(state, value) {
      state.end += 2 + value.byteLength
    },
    encode(state, value) {
      check(value.byteLength)
      c.uint16.encode(state, value.byteLength)
      state.buffer?.set(value, state.start)
      state.start += value.byteLength
    },
    decode(state) {
      const sizeBytes = c.uint16.decode(state)
      check(sizeBytes)
      return c.fixed(sizeBytes).decode(state)
    }
  }
}

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 with its length in two bytes; foreign text, not yet safe to print. */
export function text(sizeMaxBytes: number, name: string): Field<string> {
  const bytes = blob(sizeMaxBytes, name)
  return {
    layout: leaf('2 + n', `n, 0 to ${sizeMaxBytes}; UTF-8`),
    preencode(state, value) {
      state.end += 2 + Buffer.byteLength(value)
    },
    encode: (state, value) => bytes.encode(state, utf8.encode(value)),
    decode(state) {
      const encoded = bytes.decode(state)
      try {
        return strictUtf8.decode(encoded)
      } catch {
        throw badFrame(`${name} is not valid UTF-8`)
      }
    }
  }
}

/** A count in two bytes, then the items. */
export function list<T>(item: Field<T>, least: number, most: number, name: string): Field<T[]> {
  const check = (count: number) => {
    refuseAbove(count, most, name)
    if (count < least) throw badFrame(`${name} are ${count}, fewer than ${least}`)
  }
  return {
    layout: {
      size: '2',
      reads: `count of what follows, ${least} to ${most}`,
      parts: [['[]', item.layout]]
    },
    preencode(state, values) {
      state.end += 2
      for (const value of values) item.preencode(state, value)
    },
    encode(state, values) {
      check(values.length)
      c.uint16.encode(state, values.length)
      for (const value of values) item.encode(state, value)
    },
    decode(state) {
      const count = c.uint16.decode(state)
      check(count)
      const values: T[] = []
      for (let i = 0; i < count; i++) values.push(item.decode(state))
      return values
    }
  }
}

/** One byte that says whether the value follows. */
export function optional<T>(field: Field<T>, name: string): Field<T | null> {
  const present = flag(`the presence of ${name}`)
  return {
    layout: { size: '1', reads: '1 when it follows, else 0', parts: [['', field.layout]] },
    preencode(state, value) {
      present.preencode(state, true)
      if (value !== null) field.preencode(state, value)
    },
    encode(state, value) {
      present.encode(state, value !== null)
      if (value !== null) field.encode(state, value)
    },
    decode: (state) => (present.decode(state) ? field.decode(state) : null)
  }
}

/** The fields of an object, in the order of the table. */
export function struct<T extends object>(table: { [K in keyof T]-?: Field<T[K]> }): Field<T> {
  const fields = Object.entries(table) as [keyof T, Field<T[keyof T]>][]
  return {
    layout: {
      size: '',
      reads: '',
      parts: fields.map(([key, field]) => [String(key), field.layout])
    },
    preencode(state, value) {
      for (const [key, field] of fields) field.preencode(state, value[key])
    },
    encode(state, value) {
      for (const [key, field] of fields) field.encode(state, value[key])
    },
    decode(state) {
      const value: Partial<T> = {}
      for (const [key, field] of fields) value[key] = field.decode(state)
      return value as T
    }
  }
}

/** The same bytes, with a check on the way in and on the way out; `rule` says it in a few words. */
export function checked<T>(field: Field<T>, check: (value: T) => void, rule = ''): Field<T> {
  const { layout } = field
  const reads = [layout.reads, rule].filter((part) => part !== '').join('; ')
  return {
    layout: { ...layout, reads },
    preencode: (state, value) => field.preencode(state, value),
    encode(state, value) {
      check(value)
      field.encode(state, value)
    },
    decode(state) {
      const value = field.decode(state)
      check(value)
      return value
    }
  }
}

/** A field without parts. */
export function leaf(size: number | string, reads: string): Layout {
  return { size: String(size), reads, parts: [] }
}

/** Large bounds as people read them. */
function power(value: number): string {
  const exponent = Math.log2(value + 1)
  return value > 65_535 && Number.isInteger(exponent) ? `2^${exponent} - 1` : String(value)
}

export function badFrame(text: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', text)
}

export function refuseAbove(count: number, most: number, name: string): void {
  if (count <= most) return
  throw new SwarmError('WIRE_TOO_LARGE', `${name} are ${count}, more than ${most}`)
}
