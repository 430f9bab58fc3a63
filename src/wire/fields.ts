// The parts that control messages and records are made of. A field knows its width, its bound and its
// name, and checks them when it writes as well as when it reads, so that a wrong value is found where
// it is made. One value has one encoding: what decodes, encodes to the same bytes.
// Knows no message: hello.ts, control.ts and record-codec.ts compose these.

import * as c from 'compact-encoding'

import { SwarmError, toSwarmError } from '../base/errors.ts'
import { fromHex, toHex } from '../base/text.ts'

export type State = ReturnType<typeof c.state>

/** One part of a message, in compact-encoding's form. @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export interface Field<T> {
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
  const field = WIDTHS[widthBytes]
  const check = (value: number): number => {
    if (Number.isInteger(value) && least <= value && value <= most) return value
    throw badFrame(`${name} is ${value}, not a whole number from ${least} to ${most}`)
  }
  return {
    preencode: (state, value) => field.preencode(state, value),
    encode: (state, value) => field.encode(state, check(value)),
    decode: (state) => check(field.decode(state))
  }
}

export function flag(name: string): Field<boolean> {
  const bit = whole(1, 0, 1, name)
  return {
    preencode: (state) => bit.preencode(state, 0),
    encode: (state, value) => bit.encode(state, value ? 1 : 0),
    decode: (state) => bit.decode(state) === 1
  }
}

/** Exactly so many bytes; what is read is a view into the message. */
export function fixed(sizeBytes: number, name: string): Field<Uint8Array> {
  const field = c.fixed(sizeBytes)
  return {
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

/** Bytes that are lower-case hexadecimal text in memory: keys and hashes. */
export function hex<T extends string>(sizeBytes: number, name: string): Field<T> {
  const bytes = fixed(sizeBytes, name)
  return {
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
  const check = (sizeBytes: number) => {
    if (sizeBytes > sizeMaxBytes) {
      throw new SwarmError(
        'WIRE_TOO_LARGE',
        `${name} has ${sizeBytes} bytes, above ${sizeMaxBytes}`
      )
    }
  }
  return {
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
    preencode: (state, value) => bytes.preencode(state, utf8.encode(value)),
    encode: (state, value) => bytes.encode(state, utf8.encode(value)),
    decode(state) {
      try {
        return strictUtf8.decode(bytes.decode(state))
      } catch (error) {
        if (error instanceof SwarmError) throw error
        throw badFrame(`${name} is not valid UTF-8`)
      }
    }
  }
}

/** A count in two bytes, then the items. The count is checked before anything is allocated. */
export function list<T>(item: Field<T>, countMax: number, name: string): Field<T[]> {
  const check = (count: number) => {
    if (count > countMax) {
      throw new SwarmError('WIRE_TOO_LARGE', `${name} are ${count}, more than ${countMax}`)
    }
  }
  return {
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

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeWhole<T>(field: Field<T>, value: T): Uint8Array {
  const state = c.state()
  field.preencode(state, value)
  const bytes = new Uint8Array(state.end)
  state.buffer = bytes
  field.encode(state, value)
  return bytes
}

/**
 * The value that these bytes are, all of them.
 * @throws WIRE_TOO_LARGE above `sizeMaxBytes`; WIRE_BAD_FRAME when they are cut short or go on.
 */
export function decodeWhole<T>(
  field: Field<T>,
  bytes: Uint8Array,
  sizeMaxBytes: number,
  name: string
): T {
  if (bytes.byteLength > sizeMaxBytes) {
    throw new SwarmError(
      'WIRE_TOO_LARGE',
      `${name} has ${bytes.byteLength} bytes, above ${sizeMaxBytes}`
    )
  }
  const state = c.state(0, bytes.byteLength, bytes)
  let value: T
  try {
    value = field.decode(state)
  } catch (error) {
    // compact-encoding's own 'Out of bounds' is the only foreign error that reading can raise.
    throw error instanceof SwarmError ? error : toSwarmError(error, 'WIRE_BAD_FRAME')
  }
  if (state.start !== state.end) {
    throw badFrame(
      `${name} is followed by ${state.end - state.start} bytes that are not part of it`
    )
  }
  return value
}

function badFrame(text: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', text)
}
