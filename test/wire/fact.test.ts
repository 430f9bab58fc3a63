import test from 'brittle'

import {
  FACT_ANSWER_BYTES_MAX,
  FACT_BYTES_MAX,
  FACT_QUESTION_BYTES_MAX,
  FACT_SOURCE_BYTES_MAX
} from '../../src/base/limits.ts'
import { decodeFactValue, encodeFactValue, type FactValue } from '../../src/wire/fact.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

const codec: Codec<FactValue> = { encode: encodeFactValue, decode: decodeFactValue }

const fact: FactValue & { type: 'fact' } = {
  type: 'fact',
  kind: 'fix',
  question: 'gti status',
  answer: 'git status',
  source: 'küche',
  wallMs: 1_795_000_000_123
}

test('fact - withstands foreign bytes', (t) => checkDecoder(t, codec, fact))

test('fact - a tombstone withstands foreign bytes', (t) => {
  checkDecoder(t, codec, { type: 'tombstone', wallMs: 5 })
})

test('fact - each text is refused one byte beyond its bound', (t) => {
  const bounds: [keyof typeof fact, number][] = [
    ['question', FACT_QUESTION_BYTES_MAX],
    ['answer', FACT_ANSWER_BYTES_MAX],
    ['source', FACT_SOURCE_BYTES_MAX]
  ]
  for (const [name, most] of bounds) {
    t.is(encodeRefusal(codec, { ...fact, [name]: 'x'.repeat(most) }), null, name)
    const long = { ...fact, [name]: 'x'.repeat(most + 1) }
    t.is(encodeRefusal(codec, long)?.code, 'WIRE_TOO_LARGE', name)
  }
})

test('fact - the largest one is within the bound of all', (t) => {
  const [question, answer] = [
    'q'.repeat(FACT_QUESTION_BYTES_MAX),
    'a'.repeat(FACT_ANSWER_BYTES_MAX)
  ]
  const source = 's'.repeat(FACT_SOURCE_BYTES_MAX)
  const bytes = encodeFactValue({ ...fact, question, answer, source })
  t.ok(bytes.byteLength <= FACT_BYTES_MAX)
  t.is(refusal(codec, new Uint8Array(FACT_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
})

test('fact - a length that lies is refused before the text is read', (t) => {
  const bytes = new Uint8Array(encodeFactValue(fact))
  bytes.set([0xff, 0xff], 2)
  t.is(refusal(codec, bytes)?.code, 'WIRE_TOO_LARGE')
  t.is(refusal(codec, new Uint8Array([2, 0]))?.code, 'WIRE_UNKNOWN_TYPE')
})
