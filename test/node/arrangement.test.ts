// Which layers stay on disk, beside the rules of memory in room.test.ts.

import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { partsOf } from '../../src/model/layer-part.ts'
import { arrange, arrangeAlone, onDiskText } from '../../src/node/arrangement.ts'
import { createCosts, holdingKiB } from '../../src/sharding/cost.ts'
import { streamedParts } from '../../src/sharding/streamed-parts.ts'

import type { ModelFacts } from '../../src/sharding/facts.ts'

const KIB = 1024

/** Each layer 100 KiB and 32 KiB of keys and values; the token table 1000, the head 500. */
const facts: ModelFacts = {
  id: 'ab'.repeat(32),
  nLayers: 10,
  dim: 256,
  layerKiB: Array.from({ length: 10 }, () => 100),
  activeKiB: Array.from({ length: 10 }, () => 100),
  embeddingKiB: 1000,
  headKiB: 500,
  tied: false,
  kvBytesPerToken: 512,
  contextTokens: 64
}
const WHOLE_KIB = 10 * 132 + 1500
const whole = { start: 0, end: 10 }

function codeOf(work: () => unknown): string {
  try {
    work()
    return ''
  } catch (error) {
    return error instanceof SwarmError ? error.code : String(error)
  }
}

test('arrangement - of a model that does not fit parts of some layers stay on disk', (t) => {
  t.alike(arrangeAlone(facts, WHOLE_KIB * KIB), [])
  const onDisk = arrangeAlone(facts, (WHOLE_KIB - 150) * KIB)
  t.alike(onDisk, streamedParts(createCosts(facts), WHOLE_KIB - 150, whole))
  // Attention of all, 17 KiB each, passes through the room of one.
  t.alike(onDisk, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
  t.is(arrangeAlone(facts, (WHOLE_KIB - 900) * KIB).length, 30)
  t.is(
    codeOf(() => arrangeAlone(facts, (WHOLE_KIB - 901) * KIB)),
    'NATIVE_OUT_OF_MEMORY'
  )
})

test('arrangement - a peer goes by its claim, and by what is free where that is less', (t) => {
  const stage = { held: [], onDisk: [], weightBytes: 0, kvBytes: 0 }
  const claimedBytes = (WHOLE_KIB - 150) * KIB
  const at = (freeBytes: number, mayStream = true, now = stage) =>
    arrange(facts, now, [whole], { freeBytes, claimedBytes }, mayStream)
  t.is(at(claimedBytes).length, 10)
  t.is(at(2 ** 40).length, 10, 'what is free beyond the claim is not its')
  t.is(
    codeOf(() => at(claimedBytes - 1)),
    'NATIVE_OUT_OF_MEMORY'
  )
  t.is(
    codeOf(() => at(2 ** 40, false)),
    'NATIVE_OUT_OF_MEMORY'
  )
  const now = { held: [whole], onDisk: [0, 12, 27], weightBytes: 700 * KIB, kvBytes: 100 * KIB }
  t.is(
    at(claimedBytes - 800 * KIB, true, now as never).length,
    10,
    'what it holds itself is its own'
  )
})

test('arrangement - of several ranges some layers of each stay on disk', (t) => {
  const stage = { held: [], onDisk: [], weightBytes: 0, kvBytes: 0 }
  const ranges = [
    { start: 0, end: 4 },
    { start: 5, end: 10 }
  ]
  const costs = createCosts(facts)
  const wholeKiB = holdingKiB(costs, ranges)
  const room = { freeBytes: 2 ** 40, claimedBytes: (wholeKiB - 150) * KIB }
  const onDisk = arrange(facts, stage, ranges, room, true)
  t.alike(onDisk, streamedParts(costs, wholeKiB - 150, ...ranges))
  t.alike(onDisk, partsOf([0, 4 + 1, 9]))
  t.is(
    codeOf(() => arrange(facts, stage, ranges, room, false)),
    'NATIVE_OUT_OF_MEMORY'
  )
})

test('arrangement - a user is told how much is read for each token', (t) => {
  t.is(onDiskText(facts, []), null)
  t.is(
    onDiskText(facts, partsOf([0, 4, 9])),
    'memory does not suffice: 3 of 10 layers, 300 KiB, are read from disk for each token'
  )
  t.is(
    onDiskText(facts, [0, 1, 12, 27]),
    'memory does not suffice: parts of 3 of 10 layers, 101 KiB, are read from disk for each token'
  )
})
