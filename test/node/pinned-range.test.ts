import test from 'brittle'

import { pinnedRange } from '../../src/node/pinned-range.ts'
import type { ModelFacts } from '../../src/sharding/facts.ts'

/** Each layer 100 KiB and 32 KiB of keys and values; the token table 1000, the head 500. */
const facts: ModelFacts = {
  id: 'ab'.repeat(32),
  nLayers: 4,
  dim: 256,
  layerKiB: [100, 100, 100, 100],
  activeKiB: [100, 100, 100, 100],
  embeddingKiB: 1000,
  headKiB: 500,
  tied: false,
  kvBytesPerToken: 512,
  contextTokens: 64
}

test('pinned range - is held where there is room for it and its context', (t) => {
  const pin = { start: 1, end: 3 }
  t.alike(pinnedRange(facts, 264, pin), pin)
  t.is(pinnedRange(facts, 263, pin), null)
})

test('pinned range - the ends bring the token table and the head', (t) => {
  t.is(pinnedRange(facts, 1131, { start: 0, end: 1 }), null)
  t.alike(pinnedRange(facts, 1132, { start: 0, end: 1 }), { start: 0, end: 1 })
  t.is(pinnedRange(facts, 631, { start: 3, end: 4 }), null)
  t.alike(pinnedRange(facts, 632, { start: 3, end: 4 }), { start: 3, end: 4 })
})

test('pinned range - nothing is held that was not asked for', (t) => {
  t.is(pinnedRange(facts, 1_000_000, null), null)
})
