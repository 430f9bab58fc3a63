// Fields put together: a whole message as bytes and back, and the choice between the messages of one
// channel. Whatever decodes was exactly these bytes, none left over; anything else is a WIRE_ error.

import * as c from 'compact-encoding'

import { SwarmError, toSwarmError } from '../base/errors.ts'
import { badFrame, refuseAbove, type Field } from './fields.ts'

/** For each type of message its number, which is the protocol and never reused, and its body. */
export type Bodies<M extends { type: string }> = {
  readonly [T in M['type']]: Numbered<Omit<Extract<M, { type: T }>, 'type'>>
}

interface Numbered<T> {
  readonly number: number
  readonly body: Field<T>
}

/** One of several messages: its number in one byte, then its body. @throws WIRE_UNKNOWN_TYPE */
export function oneMessageOf<M extends { type: string }>(
  bodies: Bodies<M>,
  name: string
): Field<M> {
  // The type beside each body keeps them apart; here they are handled alike.
  const byType = new Map(Object.entries(bodies) as [string, Numbered<object>][])
  const byNumber = new Map([...byType].map(([type, { number, body }]) => [number, { type, body }]))
  const entryOf = (type: string) => byType.get(type) as Numbered<object>
  return {
    layout: {
      size: '1',
      reads: 'the number of the message',
      parts: [...byType].map(([type, { body }]) => [type, body.layout])
    },
    preencode(state, message) {
      state.end += 1
      entryOf(message.type).body.preencode(state, message)
    },
    encode(state, message) {
      const { number, body } = entryOf(message.type)
      c.uint8.encode(state, number)
      body.encode(state, message)
    },
    decode(state) {
      const number = c.uint8.decode(state)
      const entry = byNumber.get(number)
      if (entry === undefined) {
        throw new SwarmError('WIRE_UNKNOWN_TYPE', `${name} ${number} is not known here`)
      }
      return { type: entry.type, ...entry.body.decode(state) } as M
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
  refuseAbove(bytes.byteLength, sizeMaxBytes, `the bytes of ${name}`)
  const state = c.state(0, bytes.byteLength, bytes)
  let value: T
  try {
    value = field.decode(state)
  } catch (error) {
    // compact-encoding's own 'Out of bounds' is the only foreign error that reading can raise.
    throw toSwarmError(error, 'WIRE_BAD_FRAME')
  }
  if (state.start !== state.end) {
    throw badFrame(
      `${name} is followed by ${state.end - state.start} bytes that are not part of it`
    )
  }
  return value
}
