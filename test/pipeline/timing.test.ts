import test from 'brittle'

import { noStats } from '../../src/pipeline/hosted-session.ts'
import { perHopTiming, tokensPerSecond } from '../../src/pipeline/timing.ts'
import { keyOf } from '../helpers/views.ts'

const stages = [
  { peer: keyOf('a'), start: 0, end: 4 },
  { peer: keyOf('b'), start: 4, end: 8 }
]
const worked = { ...noStats(), decodeComputeUs: 20_000, decodeQueueUs: 5000, prefillComputeUs: 9e9 }

test('timing - what is neither compute nor queue is shared by the hops', (t) => {
  const [first, second] = perHopTiming(stages, [worked, { ...worked, decodeQueueUs: 0 }], 60)
  t.alike(first, { peer: keyOf('a'), start: 0, end: 4, computeMs: 20, queueMs: 5, wireMs: 7.5 })
  t.alike(second, { peer: keyOf('b'), start: 4, end: 8, computeMs: 20, queueMs: 0, wireMs: 7.5 })
})

test('timing - work on tokens that were dropped never makes the wire negative', (t) => {
  t.is(perHopTiming(stages, [worked, worked], 30)[0]?.wireMs, 0)
})

test('timing - where a stage did not tell, nothing is guessed', (t) => {
  t.alike(perHopTiming(stages, [worked, null], 60), [])
  t.alike(perHopTiming(stages, [], 60), [])
})

test('timing - a rate needs two tokens', (t) => {
  t.is(tokensPerSecond(1, 100), 0)
  t.is(tokensPerSecond(0, 0), 0)
  t.is(tokensPerSecond(11, 500), 20)
})
