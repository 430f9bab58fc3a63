// The parts that session messages are made of: every field knows its width, its bound and its name,
// and checks them on both sides, so that a wrong value is found where it is written as well as where
// it is read. One value has exactly one encoding: what decodes, encodes to the same bytes.
// Knows no message; session-codec.ts composes them.

import * as c from 'compact-encoding'

import { SwarmError, type ErrorCode } from '../base/errors.ts'
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
  return checked(WIDTHS[widthBytes], (value) => {
    refuseUnless(
      Number.isInteger(value) && least <= value && value <= most,
      'WIRE_BAD_FRAME',
      () => {
        return `${name} is ${value}, not a whole number from ${least} to ${most}`
      }
    )
  })
}

/** A float64 between two finite bounds, so neither NaN nor an infinity. */
export function finite(least: number, most: number, name: string): Field<number> {
  return checked(c.float64, (value) => {
    refuseUnless(least <= value && value <= most, 'WIRE_BAD_FRAME', () => {
      return `${name} is ${value}, not a number from ${least} to ${most}`
    })
  })
}

/** One of a few words, as its index in one byte. */
export function oneOf<T extends string>(words: readonly T[], name: string): Field<T> {
  const index = whole(1, 0, words.length - 1, name)
  return {
    preencode: (state) => index.preencode(state, 0),
    encode: (state, word) => index.encode(state, words.indexOf(word)),
    decode: (state) => words[index.decode(state)] as T
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

/** Bytes that are lower-case hexadecimal text in memory: keys, ids and hashes. */
export function hex<T extends string>(sizeBytes: number, name: string): Field<T> {
  const bytes: Field<Uint8Array> = c.fixed(sizeBytes)
  return {
    preencode(state) {
      state.end += sizeBytes
    },
    encode(state, text) {
      const value = fromHex(text, sizeBytes)
      if (value === null || text !== text.toLowerCase()) {
        throw new SwarmError('WIRE_BAD_FRAME', `${name} is not ${sizeBytes * 2} hexadecimal digits`)
      }
      bytes.encode(state, value)
    },
    decode: (state) => toHex(bytes.decode(state)) as T
  }
}

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 with its length in two bytes; not yet safe to print. */
export function text(sizeMaxBytes: number, name: string): Field<string> {
  return {
    preencode(state, value) {
      state.end += 2 + Buffer.byteLength(value)
    },
    encode(state, value) {
      const bytes = utf8.encode(value)
      refuseAbove(bytes.byteLength, sizeMaxBytes, `${name} in bytes`)
      c.uint16.encode(state, bytes.byteLength)
      state.buffer?.set(bytes, state.start)
      state.start += bytes.byteLength
    },
    decode(state) {
      const sizeBytes = c.uint16.decode(state)
      refuseAbove(sizeBytes, sizeMaxBytes, `${name} in bytes`)
      return strictUtf8.decode(c.fixed(sizeBytes).decode(state))
    }
  }
}

/** A count in two bytes, then the items. The count is checked before anything is allocated. */
export function list<T>(item: Field<T>, least: number, most: number, name: string): Field<T[]> {
  const checkCount = (count: number) => {
    refuseAbove(count, most, name)
    refuseUnless(
      count >= least,
      'WIRE_BAD_FRAME',
      () => `${name} are ${count}, fewer than ${least}`
    )
  }
  return {
    preencode(state, values) {
      state.end += 2
      for (const value of values) item.preencode(state, value)
    },
    encode(state, values) {
      checkCount(values.length)
      c.uint16.encode(state, values.length)
      for (const value of values) item.encode(state, value)
    },
    decode(state) {
      const count = c.uint16.decode(state)
      checkCount(count)
      const values: T[] = []
      for (let i = 0; i < count; i++) values.push(item.decode(state))
      return values
    }
  }
}

/** The fields of an object, in the order of the table. */
export function record<T extends object>(table: { [K in keyof T]-?: Field<T[K]> }): Field<T> {
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

/** The same bytes, with a check on the way in and on the way out. */
export function checked<T>(field: Field<T>, check: (value: T) => void): Field<T> {
  return {
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

export function refuseUnless(ok: boolean, code: ErrorCode, reason: () => string): void {
  if (!ok) throw new SwarmError(code, reason())
}

function refuseAbove(count: number, most: number, name: string): void {
  refuseUnless(count <= most, 'WIRE_TOO_LARGE', () => `${name} are ${count}, more than ${most}`)
}
