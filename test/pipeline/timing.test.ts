import test from 'brittle'

import { noStats } from '../../src/pipeline/stage-stats.ts'
import { perHopTiming, splitWire, tokensPerSecond } from '../../src/pipeline/timing.ts'
import { keyOf } from '../helpers/views.ts'

const stages = [
  { peer: keyOf('a'), start: 0, end: 4 },
  { peer: keyOf('b'), start: 4, end: 8 }
]
/** Ten tokens. */
const worked = {
  ...noStats(),
  decodeTokens: 10,
  decodeComputeUs: 20_000,
  decodeQueueUs: 5000,
  prefillComputeUs: 9e9
}

test('timing - what is neither compute nor queue is the wire, and all of it is there', (t) => {
  const hops = perHopTiming(stages, [worked, { ...worked, decodeQueueUs: 0 }], 10, 60)
  const [first, second] = hops
  t.alike(first, { peer: keyOf('a'), start: 0, end: 4, computeMs: 20, queueMs: 5, wireMs: 7.5 })
  t.alike(second, { peer: keyOf('b'), start: 4, end: 8, computeMs: 20, queueMs: 0, wireMs: 7.5 })
  t.is(
    hops.reduce((sum, { computeMs, queueMs, wireMs }) => sum + computeMs + queueMs + wireMs, 0),
    60
  )
})

test('timing - work on tokens that were dropped is no part of those that were shown', (t) => {
  const [first] = perHopTiming(stages, [worked, { ...worked, decodeTokens: 5 }], 5, 60)
  t.alike([first?.computeMs, first?.queueMs], [10, 2.5])
  t.is(first?.wireMs, (60 - 12.5 - 25) / 2)
})

test('timing - stages that tell of more time than there was are not made to fit', (t) => {
  const hops = perHopTiming(stages, [worked, worked], 10, 30)
  t.is(hops[0]?.wireMs, 0)
  t.is(
    hops.reduce((sum, { computeMs, queueMs }) => sum + computeMs + queueMs, 0),
    50
  )
})

test('timing - where a stage did not tell, nothing is guessed', (t) => {
  t.alike(perHopTiming(stages, [worked, null], 10, 60), [])
  t.alike(perHopTiming(stages, [], 10, 60), [])
})

test('timing - a split of the wire changes no sum', (t) => {
  const hops = perHopTiming(stages, [worked, worked], 10, 70)
  const wire = splitWire(hops, [1, 3]).map(({ wireMs }) => wireMs)
  t.alike(wire, [5, 15])
  t.alike(splitWire(hops, [0, 0]), hops, 'nothing to go by')
  t.alike(splitWire(hops, [1]), hops, 'of another route')
})

test('timing - a rate needs two tokens', (t) => {
  t.is(tokensPerSecond(1, 100), 0)
  t.is(tokensPerSecond(0, 0), 0)
  t.is(tokensPerSecond(11, 500), 20)
})
