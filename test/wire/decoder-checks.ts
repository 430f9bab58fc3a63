// What every decoder of foreign bytes must withstand, for any message: being cut short at each byte, a
// byte too many, and each byte replaced by others. It either refuses with a WIRE_ code or accepts
// something that encodes to exactly these bytes again.

import type { Test } from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'

export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

export function checkDecoder<T>(t: Test, codec: Codec<T>, value: T): void {
  const bytes = codec.encode(value)
  t.alike(codec.decode(bytes), value, 'the value comes back')

  const cuts = Array.from({ length: bytes.byteLength }, (_, size) => bytes.slice(0, size))
  t.is(cuts.filter((cut) => refusal(codec, cut)?.code !== 'WIRE_BAD_FRAME').length, 0, 'each cut')

  const longer = new Uint8Array(bytes.byteLength + 1)
  longer.set(bytes)
  t.is(refusal(codec, longer)?.code, 'WIRE_BAD_FRAME', 'a byte too many')

  const unfaithful: string[] = []
  let accepted = 0
  for (let at = 0; at < bytes.byteLength; at++) {
    for (const byte of [0, 1, 0x7f, 0x80, 0xff, (bytes[at] as number) ^ 1]) {
      const mutated = new Uint8Array(bytes)
      mutated[at] = byte
      const error = refusal(codec, mutated)
      if (error === null) {
        accepted++
        if (Buffer.compare(codec.encode(codec.decode(mutated)), mutated) !== 0) {
          unfaithful.push(`${at} <- ${byte}`)
        }
      } else if (error.family !== 'WIRE') unfaithful.push(`${at} <- ${byte}: ${error.message}`)
    }
  }
  t.alike(unfaithful, [], 'each byte replaced')
  t.ok(bytes.byteLength === 1 || accepted > 0, 'some replacements are values of their own')
}

/** The error that decoding ends with, or null; anything but a SwarmError is passed on. */
export function refusal<T>(codec: Codec<T>, bytes: Uint8Array): SwarmError | null {
  try {
    codec.decode(bytes)
    return null
  } catch (error) {
    if (error instanceof SwarmError) return error
    throw error
  }
}

/** The error that encoding ends with, or null. */
export function encodeRefusal<T>(codec: Codec<T>, value: T): SwarmError | null {
  try {
    codec.encode(value)
    return null
  } catch (error) {
    if (error instanceof SwarmError) return error
    throw error
  }
}
