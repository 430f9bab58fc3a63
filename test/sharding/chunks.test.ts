// How prompts are cut: every position once, no slivers, and soonest through the stages of a plan.

import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import {
  chunkSizes,
  evenChunking,
  GROWTH_UNIT,
  type Chunking
} from '../../src/sharding/chunking.ts'
import { chunkingOf, chunksUs, passTimes, PROMPT_TOKENS } from '../../src/sharding/chunks.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { createHops } from '../../src/sharding/hops.ts'
import { keyOf } from '../helpers/views.ts'

import type { ViewPeer } from '../../src/sharding/facts.ts'

/** Grows towards the slowest stage in the middle of a chain. */
const BOTH: Chunking = {
  most: 128,
  opening: { least: 32, growth: 2 * GROWTH_UNIT },
  closing: { least: 16, growth: 1.5 * GROWTH_UNIT },
  isOneByOne: false
}

test('chunking - from the first chunk on they grow, towards the last one they shrink', (t) => {
  t.alike(chunkSizes(BOTH, 600), [32, 64, 128, 128, 93, 62, 41, 28, 12, 12])
  t.alike(
    chunkSizes({ ...BOTH, opening: evenChunking(128).opening }, 300),
    [110, 74, 49, 33, 22, 12]
  )
})

test('chunking - of one size, and what is left over is no chunk by itself', (t) => {
  t.alike(chunkSizes(evenChunking(64), 192), [64, 64, 64])
  t.alike(chunkSizes(evenChunking(64), 160), [64, 64, 32])
  t.alike(chunkSizes(evenChunking(64), 159), [64, 48, 47])
  t.alike(chunkSizes(evenChunking(64), 65), [33, 32])
  t.alike(chunkSizes(evenChunking(1), 3), [1, 1, 1])
  t.alike(chunkSizes(evenChunking(64), 5), [5])
})

test('chunking - whatever the numbers, all positions go once, none beside more than fit', (t) => {
  const random = seededRandom(11)
  const taper = () => ({ least: 1 + below(random, 128), growth: GROWTH_UNIT + below(random, 48) })
  for (let i = 0; i < 20_000; i++) {
    const most = 1 + below(random, 512)
    const chunking = { most, opening: taper(), closing: taper(), isOneByOne: false }
    const nTokens = 1 + below(random, 2000)
    const sizes = chunkSizes(chunking, nTokens)
    const sum = sizes.reduce((all, size) => all + size, 0)
    const isBound = Math.max(...sizes) <= chunking.most && Math.min(...sizes) >= 1
    if (sum !== nTokens || !isBound) t.fail(`${nTokens} in ${sizes} of ${JSON.stringify(chunking)}`)
    const least = Math.min(chunking.most, chunking.opening.least, chunking.closing.least)
    const sliver = sizes.length > 1 && 2 * (sizes.at(-1) as number) < least
    if (sliver) t.fail(`${sizes} of ${JSON.stringify(chunking)}`)
  }
  t.pass('of 20,000')
})

/** Peers on two cores of one machine with half of a model of 1.1B parameters in Q4_K_M each. */
function times(cuts: readonly number[], int8Mops: number | null) {
  const nLayers = 22
  const model = {
    id: 'ab'.repeat(32),
    nLayers,
    dim: 2048,
    layerKiB: Array.from({ length: nLayers }, () => 25_000),
    activeKiB: Array.from({ length: nLayers }, () => 25_000),
    layerKops: Array.from({ length: nLayers }, () => 88_000),
    embeddingKiB: 37_000,
    headKiB: 51_000,
    tied: false,
    kvBytesPerToken: 2048,
    contextTokens: 2048
  }
  const ends = [...cuts, nLayers]
  const stages = ends.map((end, i) => ({
    peer: keyOf('abcd'[i] ?? ''),
    start: ends[i - 1] ?? 0,
    end
  }))
  const peers = stages.map(({ peer }): ViewPeer => {
    const rates = { weightMiBps: 32_000, ...(int8Mops !== null && { int8Mops }) }
    return { key: peer, memoryKiB: 1_000_000, pin: null, ...rates }
  })
  return [createCosts(model), createHops(model, peers), peers, stages] as const
}

const waysOf = (cuts: readonly number[], int8Mops: number | null = 518_000) => {
  const { most, opening, closing } = chunkingOf(...times(cuts, int8Mops))
  return [most, opening.least, opening.growth, closing.least, closing.growth]
}

test('chunks - small ones overlap, unless reading the weights is what takes time', (t) => {
  t.alike(waysOf([]), [128, 128, 16, 128, 16], 'one stage overlaps with nobody')
  t.alike(waysOf([11]), [64, 64, 16, 64, 16], 'two that take as long: all alike')
  t.alike(waysOf([5, 11, 16])[1], 32, 'four')
  t.alike(waysOf([11], 10_000_000), [128, 128, 16, 128, 16], 'many cores on one memory')
  t.alike(waysOf([11], null), [128, 128, 16, 128, 16], 'nothing is known but reading')
})

test('chunks - they are small where others than the slowest stage are', (t) => {
  t.alike(waysOf([12]), [128, 128, 16, 32, 19], 'others behind it')
  t.alike(waysOf([10]), [128, 32, 19, 128, 16], 'others before it')
  t.alike(waysOf([4, 16]), [128, 32, 39, 32, 27], 'both')
})

test('chunks - no even cut is sooner through', (t) => {
  for (const cuts of [[11], [12], [10], [15], [4, 16], [5, 11, 16], [3, 6, 14]]) {
    const all = times(cuts, 518_000)
    const passUs = passTimes(...all)
    const us = chunksUs(passUs, PROMPT_TOKENS, chunkingOf(...all))
    for (const size of [16, 32, 48, 64, 96, 128]) {
      const evenUs = chunksUs(passUs, PROMPT_TOKENS, evenChunking(size))
      // Of equal stages 48 might be a little better than 32 and 64 are.
      if (us > 1.02 * evenUs) t.fail(`${cuts}: ${us}, of ${size} ${evenUs}`)
    }
  }
  const uneven = times([12], 518_000)
  const gain =
    chunksUs(passTimes(...uneven), PROMPT_TOKENS, evenChunking(64)) /
    chunksUs(passTimes(...uneven), PROMPT_TOKENS, chunkingOf(...uneven))
  t.ok(gain > 1.03, `${gain.toFixed(3)} times the even cut's speed`)
})

test('chunks - the time is that of a chain in which each chunk waits for the one before it', (t) => {
  const passUs = (nTokens: number) => [3 * nTokens, 5, 2 * nTokens]
  t.is(chunksUs(passUs, 10, evenChunking(10)), 30 + 5 + 20)
  t.is(chunksUs(passUs, 20, evenChunking(10)), 60 + 5 + 20)
  t.is(chunksUs(passUs, 15, evenChunking(10)), 30 + 5 + 20 + 10)
  t.is(
    chunksUs((nTokens) => [nTokens, 100], 30, evenChunking(10)),
    10 + 300
  )
})
