// Flow C: bytes <-> one record of a basin log. All records have the same size, so that the number of a block
// says where its bytes lie, and a log that says otherwise is refused before anything of it is fetched.
// Does not know which entry it stands for beyond its id: the texts are in the facts (fact.ts).

import { EMBEDDING_DIM, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { badFrame, checked, hex, leaf, struct, whole, type Field } from './fields.ts'
import { decodeWhole, encodeWhole } from './whole-message.ts'

import type { Basin } from './knowledge.ts'

const VECTOR_BYTES = 4 * EMBEDDING_DIM

/** Id, space, time and vector: 16 + 8 + 8 + 1024. */
export const BASIN_BYTES = 32 + VECTOR_BYTES

/**
 * How far the squared length may be from 1. Rounding 256 elements to f32 moves it by about 1e-7; an angle
 * that is computed as if the length were 1 is then right to 5e-4.
 */
const LENGTH_SLACK = 1e-3

/** (256,) f32, little-endian as every machine that we run on keeps it; of length 1, so no NaN. */
const vectorBytes: Field<Float32Array> = {
  layout: leaf(VECTOR_BYTES, `${EMBEDDING_DIM} float32`),
  preencode(state) {
    state.end += VECTOR_BYTES
  },
  encode(state, vector) {
    const { buffer, byteOffset, byteLength } = vector
    if (byteLength !== VECTOR_BYTES) throw badFrame(`a vector has ${vector.length} elements`)
    state.buffer?.set(new Uint8Array(buffer, byteOffset, byteLength), state.start)
    state.start += VECTOR_BYTES
  },
  decode(state) {
    const end = state.start + VECTOR_BYTES
    if (state.buffer === null || end > state.end) throw badFrame('a vector is cut short')
    // A copy: what is read may lie anywhere in its message, and elements need their alignment.
    const bytes = new Uint8Array(VECTOR_BYTES)
    bytes.set(state.buffer.subarray(state.start, end))
    state.start = end
    return new Float32Array(bytes.buffer)
  }
}

const unitVector = checked(
  vectorBytes,
  (vector) => {
    let sum = 0
    for (const element of vector) sum += element * element
    if (!(Math.abs(sum - 1) <= LENGTH_SLACK)) {
      throw badFrame(`the vector of a basin has the squared length ${sum}, not 1`)
    }
  },
  `squared length within ${LENGTH_SLACK} of 1`
)

export const basinField = struct<Basin>({
  id: hex(16, 'the id of a basin'),
  spaceId: hex(8, 'the space of a basin'),
  wallMs: whole(8, 0, Number.MAX_SAFE_INTEGER, 'the time of a basin'),
  vector: unitVector
})

/** @returns BASIN_BYTES bytes. @throws WIRE_BAD_FRAME when a value is outside its bounds. */
export function encodeBasin(basin: Basin): Uint8Array {
  return encodeWhole(basinField, basin)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export function decodeBasin(bytes: Uint8Array): Basin {
  return decodeWhole(basinField, bytes, MESSAGE_BYTES_MAX, 'a basin')
}
