// Flow C: bytes <-> what a knowledge bee keeps under the id of an entry: the fact, or the tombstone that
// takes its place. A tombstone is a value and not a missing key, so that it also stands against an entry of
// an older log of the same author. Which id a fact must have is entry-id.ts's.

import {
  FACT_ANSWER_BYTES_MAX,
  FACT_BYTES_MAX,
  FACT_QUESTION_BYTES_MAX,
  FACT_SOURCE_BYTES_MAX
} from '../base/limits.ts'
import { oneOf, struct, text, whole } from './fields.ts'
import { decodeWhole, encodeWhole, oneMessageOf, type Bodies } from './whole-message.ts'

import type { Fact, FactKind } from './knowledge.ts'

/** A fact without the id, which is the key that it is kept under. */
export type FactBody = Omit<Fact, 'id'>

export type FactValue =
  | ({ type: 'fact' } & FactBody)
  /** The author forgot the entry. */
  | { type: 'tombstone'; wallMs: number }

const FACT_KINDS: readonly FactKind[] = ['text', 'fix']
const wallMs = whole(8, 0, Number.MAX_SAFE_INTEGER, 'the time of a fact')

/** Both values, field by field in the order of their bytes. */
export const FACT_BODIES: Bodies<FactValue> = {
  fact: {
    number: 0,
    body: struct<FactBody>({
      kind: oneOf(FACT_KINDS, 'the kind of a fact'),
      question: text(FACT_QUESTION_BYTES_MAX, 'the question of a fact'),
      answer: text(FACT_ANSWER_BYTES_MAX, 'the answer of a fact'),
      source: text(FACT_SOURCE_BYTES_MAX, 'the source of a fact'),
      wallMs
    })
  },
  tombstone: { number: 1, body: struct({ wallMs }) }
}

const factValue = oneMessageOf(FACT_BODIES, 'value of a knowledge bee')

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds. */
export function encodeFactValue(value: FactValue): Uint8Array {
  return encodeWhole(factValue, value)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_UNKNOWN_TYPE */
export function decodeFactValue(bytes: Uint8Array): FactValue {
  return decodeWhole(factValue, bytes, FACT_BYTES_MAX, 'a fact')
}
