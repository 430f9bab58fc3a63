// Which layers stay on disk, beside the rules of memory in room.test.ts.

import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { arrange, arrangeAlone, onDiskText } from '../../src/node/arrangement.ts'
import { createCosts, holdingKiB } from '../../src/sharding/cost.ts'
import { streamedLayers } from '../../src/sharding/streamed-layers.ts'

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

test('arrangement - of a model that does not fit some layers stay on disk', (t) => {
  t.alike(arrangeAlone(facts, WHOLE_KIB * KIB), [])
  const onDisk = arrangeAlone(facts, (WHOLE_KIB - 150) * KIB)
  t.alike(onDisk, streamedLayers(createCosts(facts), WHOLE_KIB - 150, whole))
  // They pass through 100 KiB of it.
  t.is(onDisk.length, 3)
  t.is(arrangeAlone(facts, (WHOLE_KIB - 900) * KIB).length, 10)
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
  t.is(at(claimedBytes).length, 3)
  t.is(at(2 ** 40).length, 3, 'what is free beyond the claim is not its')
  t.is(
    codeOf(() => at(claimedBytes - 1)),
    'NATIVE_OUT_OF_MEMORY'
  )
  t.is(
    codeOf(() => at(2 ** 40, false)),
    'NATIVE_OUT_OF_MEMORY'
  )
  const now = { held: [whole], onDisk: [0, 4, 9], weightBytes: 700 * KIB, kvBytes: 100 * KIB }
  t.is(
    at(claimedBytes - 800 * KIB, true, now as never).length,
    3,
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
  t.alike(onDisk, streamedLayers(costs, wholeKiB - 150, ...ranges))
  t.alike([onDisk.length, onDisk[0], onDisk.at(-1)], [3, 0, 9])
  t.is(
    codeOf(() => arrange(facts, stage, ranges, room, false)),
    'NATIVE_OUT_OF_MEMORY'
  )
})

test('arrangement - a user is told how much is read for each token', (t) => {
  t.is(onDiskText(facts, []), null)
  t.is(
    onDiskText(facts, [0, 4, 9]),
    'memory does not suffice: 3 of 10 layers, 300 KiB, are read from disk for each token'
  )
})
