import test from 'brittle'

import { SwarmError, type ErrorCode } from '../../src/base/errors.ts'
import { CHUNK_TOKENS_MAX } from '../../src/base/limits.ts'
import { closeMessages, isRepairable, sampledMessages } from '../../src/pipeline/session-outbox.ts'
import { A, B, create, turn } from '../helpers/origin-bench.ts'
import { sampling } from '../helpers/toy-run.ts'

const { setup } = create()

test('session outbox - a sampler is told of tokens only where penalties count them', (t) => {
  const asked = turn([1, 2, 3])
  t.alike(sampledMessages(setup, 2, asked, [1, 2, 3, 40, 41]), [])
  const counted = { ...asked, sampling: sampling({ presencePenalty: 0.5 }) }
  const [message, ...others] = sampledMessages(setup, 2, counted, [1, 2, 3, 40, 41])
  t.alike([...(message?.ids ?? [])], [40, 41], 'the prompt it knows')
  t.is(others.length, 0)
  t.alike(sampledMessages(setup, 2, counted, [1, 2, 3]), [])
})

test('session outbox - a long answer is told in messages of bounded size', (t) => {
  const asked = { ...turn([1]), sampling: sampling({ frequencyPenalty: 0.5 }) }
  const ids = Array.from({ length: 1 + CHUNK_TOKENS_MAX + 5 }, (_, i) => i)
  const messages = sampledMessages(setup, 2, asked, ids)
  t.alike(
    messages.map(({ ids }) => ids.length),
    [CHUNK_TOKENS_MAX, 5]
  )
  t.alike(
    messages.flatMap(({ ids }) => [...ids]),
    ids.slice(1)
  )
})

test('session outbox - a peer with several stages is closed once', (t) => {
  const stages = [
    { peer: A, start: 0, end: 2 },
    { peer: B, start: 2, end: 4 },
    { peer: A, start: 4, end: 6 }
  ]
  t.alike(
    closeMessages(setup, stages).map((action) => action.type === 'send' && action.to),
    [A, B]
  )
})

test('session outbox - another route helps against what one machine or link did', (t) => {
  const cases: [ErrorCode, boolean][] = [
    ['PEER_GONE', true],
    ['PEER_NO_LINK', true],
    ['STAGE_FULL', true],
    ['NATIVE_FAILED', true],
    ['WIRE_BAD_FRAME', true],
    ['STAGE_NOT_FINITE', false],
    ['WIRE_VERSION', false],
    ['USAGE_BAD_VALUE', false]
  ]
  for (const [code, expected] of cases) t.is(isRepairable(new SwarmError(code, '')), expected, code)
})
