import test from 'brittle'

import { MESSAGE_BYTES_MAX } from '../../src/base/limits.ts'
import {
  decodeLogCard,
  encodeLogCard,
  logStatement,
  type LogCard
} from '../../src/wire/log-card.ts'
import { checkDecoder, encodeRefusal, refusal, type Codec } from './decoder-checks.ts'

import type { PeerId } from '../../src/wire/ids.ts'

const codec: Codec<LogCard> = { encode: encodeLogCard, decode: decodeLogCard }

const card: LogCard = {
  author: 'c1'.repeat(32) as PeerId,
  epoch: 7,
  basins: 'ba'.repeat(32),
  facts: 'fa'.repeat(32),
  signature: new Uint8Array(64).fill(9)
}

test('log card - withstands foreign bytes', (t) => checkDecoder(t, codec, card))

test('log card - has one size, and bounds', (t) => {
  t.is(encodeLogCard(card).byteLength, 164)
  t.is(refusal(codec, new Uint8Array(MESSAGE_BYTES_MAX + 1))?.code, 'WIRE_TOO_LARGE')
  t.is(encodeRefusal(codec, { ...card, epoch: 2 ** 32 })?.code, 'WIRE_BAD_FRAME')
})

test('log card - what is signed differs with the topic and each field', (t) => {
  const topic = new Uint8Array(32).fill(1)
  const statement = (changes: Partial<LogCard>, key = topic) =>
    logStatement(key, { ...card, ...changes }).toString('hex')
  const changed = [
    statement({}, new Uint8Array(32).fill(2)),
    statement({ author: 'c2'.repeat(32) as PeerId }),
    statement({ epoch: 8 }),
    statement({ basins: 'bb'.repeat(32) }),
    statement({ facts: 'fb'.repeat(32) })
  ]
  t.is(new Set([statement({}), ...changed]).size, changed.length + 1)
  t.is(statement({ signature: new Uint8Array(64) }), statement({}))
})
