import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { parseSize } from '../../src/base/text.ts'
import { wholePages } from '../../src/compute/stage.ts'
import { checkLoad, checkRoom, roomTexts } from '../../src/node/room.ts'
import { createCosts } from '../../src/sharding/cost.ts'
import { kvKiBPerLayer, type ModelFacts } from '../../src/sharding/facts.ts'

const KIB = 1024

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
  kvBytesPerToken: 32,
  contextTokens: 1024
}
const WEIGHTS_KIB = 4 * 100 + 1000 + 500
const WHOLE_KIB = WEIGHTS_KIB + 4 * 32

function refusal(work: () => void): { code: string; message: string } {
  try {
    work()
    return { code: '', message: '' }
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error
    return error.toJSON()
  }
}

test('room - a model that just fits is taken, one byte less is refused', (t) => {
  t.is(refusal(() => checkRoom(facts, WHOLE_KIB * KIB)).code, '')
  const { code, message } = refusal(() => checkRoom(facts, WHOLE_KIB * KIB - 1))
  t.is(code, 'NATIVE_OUT_OF_MEMORY')
  t.ok(message.startsWith('the weights take 1.9 MiB and a context of 1024 tokens 128 KiB'), message)
})

test('room - the context that it says would fit does, and one more page does not', (t) => {
  for (const freeKiB of [WEIGHTS_KIB + 32, WEIGHTS_KIB + 77, WHOLE_KIB - 1]) {
    const { message } = refusal(() => checkRoom(facts, freeKiB * KIB))
    const nTokens = Number(
      /: (\d+) tokens would fit, give a smaller -n or --ctx/.exec(message)?.[1]
    )
    const asks = (contextTokens: number) =>
      refusal(() => checkRoom({ ...facts, contextTokens }, freeKiB * KIB)).code
    t.is(asks(nTokens), '', `${nTokens} tokens`)
    t.is(asks(wholePages(nTokens + 1)), 'NATIVE_OUT_OF_MEMORY')
  }
})

test('room - an absurd context is refused with one that fits', (t) => {
  const absurd = { ...facts, contextTokens: 2 ** 20 }
  const { message } = refusal(() => checkRoom(absurd, 100 * 2 ** 20))
  t.ok(/a context of 1048576 tokens 128 MiB, and there is room for 100 MiB/.test(message), message)
  t.ok(/: \d+ tokens would fit/.test(message), message)
})

test('room - weights beyond memory name the layers that fit, and what takes the others', (t) => {
  const freeKiB = 1000 + 2 * 132
  const { message } = refusal(() => checkRoom(facts, freeKiB * KIB))
  t.ok(/layers 0-1 of 4 would fit; swarm join shares a model/.test(message), message)
  t.ok(createCosts(facts).fits({ memoryKiB: freeKiB }, 0, 2))
  t.absent(createCosts(facts).fits({ memoryKiB: freeKiB }, 0, 3))
})

test('room - memory for no layer at all asks for another model', (t) => {
  const { message } = refusal(() => checkRoom(facts, 900 * KIB))
  t.ok(/not even one layer would fit; use a smaller model/.test(message), message)
})

test('room - a peer with room for everything is told nothing', (t) => {
  t.alike(roomTexts(facts, WHOLE_KIB * KIB, null, 2 ** 30, null), [])
})

test('room - a peer with less is told which layers fit and which --memory holds all', (t) => {
  const claimed = (1000 + 3 * 132) * KIB
  const [text = '', ...more] = roomTexts(facts, claimed, null, 2 ** 30, null)
  t.is(more.length, 0)
  t.ok(
    /^layers 0-3 and a context of 1024 tokens take 2\.0 MiB.*layers 0-2 would fit/.test(text),
    text
  )
  const [, size = ''] = /--memory (\S+) would hold all$/.exec(text) ?? []
  t.alike(roomTexts(facts, parseSize(size), parseSize(size), 2 ** 30, null), [])
})

test('room - no --memory is proposed that the machine does not have', (t) => {
  const [text = ''] = roomTexts(facts, 900 * KIB, null, 1000 * KIB, null)
  t.ok(text.endsWith('this peer has 900 KiB: no layer would fit'), text)
})

test('room - a pin is measured by itself', (t) => {
  const pin = { start: 1, end: 3 }
  t.alike(roomTexts(facts, 264 * KIB, null, 2 ** 30, pin), [])
  const [text = ''] = roomTexts(facts, 263 * KIB, null, 200 * KIB, pin)
  t.ok(/^layers 1-2 and .*: layers 1-1 would fit; it holds what the plan gives/.test(text), text)
})

test('room - a limit above what is free is called so', (t) => {
  const [text = '', ...more] = roomTexts(facts, 2 ** 31, 2 ** 31, 2 ** 30, null)
  t.is(more.length, 0)
  t.ok(text.startsWith('--memory 2.0 GiB is more than the 1.0 GiB that are free'), text)
})

test('room - a load counts what stays and what goes', (t) => {
  const load = (held: [number, number] | null, range: [number, number], freeKiB: number) =>
    refusal(() =>
      checkLoad(
        facts,
        held ? [{ start: held[0], end: held[1] }] : [],
        [{ start: range[0], end: range[1] }],
        { freeBytes: freeKiB * KIB, claimedBytes: 2 ** 40 }
      )
    ).code
  t.is(load(null, [0, 2], 1200), '')
  t.is(load(null, [0, 2], 1199), 'NATIVE_OUT_OF_MEMORY')
  t.is(load([0, 1], [0, 2], 100), '', 'a layer that is there costs nothing')
  t.is(load([0, 1], [0, 2], 99), 'NATIVE_OUT_OF_MEMORY')
  t.is(load([0, 2], [1, 3], 0), '', 'what goes makes room')
  t.is(load([2, 4], [0, 2], 499), 'NATIVE_OUT_OF_MEMORY')
  t.is(load([2, 4], [0, 2], 500), '')
})

test('room - a load of several ranges counts all of them, their context and a tied table once', (t) => {
  const ends = [
    { start: 0, end: 1 },
    { start: 3, end: 4 }
  ]
  const least = (given: ModelFacts, which: 'freeBytes' | 'claimedBytes') => {
    let sizeKiB = 0
    const room = { freeBytes: 2 ** 40, claimedBytes: 2 ** 40 }
    const load = () => checkLoad(given, [], ends, { ...room, [which]: sizeKiB * KIB })
    while (refusal(load).code !== '') sizeKiB += 1
    return sizeKiB
  }
  const { layerKiB, embeddingKiB, headKiB } = facts
  const weightsKiB = layerKiB[0]! + layerKiB[3]! + embeddingKiB + headKiB
  const untied = { ...facts, tied: false }
  t.is(least(untied, 'freeBytes'), weightsKiB)
  t.is(least({ ...facts, tied: true }, 'freeBytes'), weightsKiB - Math.min(embeddingKiB, headKiB))
  t.is(least(untied, 'claimedBytes'), weightsKiB + 2 * kvKiBPerLayer(facts))
})
