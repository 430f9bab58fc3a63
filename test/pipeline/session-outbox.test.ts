import test from 'brittle'

import { SwarmError, type ErrorCode } from '../../src/base/errors.ts'
import { CHUNK_TOKENS_MAX, LOG_CHUNK_IDS_MAX } from '../../src/base/limits.ts'
import { isRepairable } from '../../src/pipeline/session-errors.ts'
import { closeMessages, logMessages, sampledMessages } from '../../src/pipeline/session-outbox.ts'
import { A, B, create, turn } from '../helpers/origin-bench.ts'
import { sampling } from '../helpers/toy-run.ts'

import type { Action } from '../../src/pipeline/session-types.ts'
import type { PeerId } from '../../src/wire/ids.ts'

const { setup } = create()

const STAGES = [
  { peer: A, start: 0, end: 2 },
  { peer: B, start: 2, end: 4 },
  { peer: A, start: 4, end: 6 }
]

/** Of messages that carry ids: to whom, and which. */
function told(actions: readonly Action[]): { to: PeerId; ids: number[] }[] {
  return actions.flatMap((action) => {
    if (action.type !== 'send' || !('ids' in action.message)) return []
    return [{ to: action.to, ids: [...action.message.ids] }]
  })
}

test('session outbox - a sampler is told of tokens only where penalties count them', (t) => {
  const asked = turn([1, 2, 3])
  const stages = STAGES.slice(0, 2)
  t.alike(sampledMessages(setup, 2, asked, [1, 2, 3, 40, 41], stages), [])
  const counted = { ...asked, sampling: sampling({ presencePenalty: 0.5 }) }
  const messages = told(sampledMessages(setup, 2, counted, [1, 2, 3, 40, 41], stages))
  t.alike(messages, [{ to: B, ids: [40, 41] }], 'the prompt it knows')
  t.alike(sampledMessages(setup, 2, counted, [1, 2, 3], stages), [])
})

test('session outbox - a long answer is told in messages of bounded size', (t) => {
  const asked = { ...turn([1]), sampling: sampling({ frequencyPenalty: 0.5 }) }
  const ids = Array.from({ length: 1 + CHUNK_TOKENS_MAX + 5 }, (_, i) => i)
  const messages = told(sampledMessages(setup, 2, asked, ids, STAGES))
  t.alike(
    messages.map(({ ids }) => ids.length),
    [CHUNK_TOKENS_MAX, 5]
  )
  t.alike(
    messages.flatMap(({ ids }) => ids),
    ids.slice(1)
  )
})

test('session outbox - each peer gets the whole log once, in parts of bounded size', (t) => {
  const log = { stops: ['END'], isAtStart: false }
  const ids = Array.from({ length: LOG_CHUNK_IDS_MAX + 2 }, (_, i) => i)
  const opening = { epoch: 3, turn: { ...turn([0, 1]), log }, logitsHash: '12'.repeat(8) }
  const messages = told(logMessages(setup, STAGES, opening, ids))
  t.alike(
    messages.map(({ to, ids }) => [to, ids.length]),
    [A, A, B, B].map((to, i) => [to, i % 2 === 0 ? LOG_CHUNK_IDS_MAX : 2])
  )
  for (const peer of [A, B]) {
    const all = messages.filter(({ to }) => to === peer).flatMap(({ ids }) => ids)
    t.alike(all, ids)
  }
})

test('session outbox - of a private turn nobody is told', (t) => {
  const opening = { epoch: 3, logitsHash: '12'.repeat(8) }
  for (const log of [null, undefined]) {
    const asked = { ...turn([1]), ...(log === null && { log }) }
    t.alike(logMessages(setup, STAGES, { ...opening, turn: asked }, [1]), [])
  }
})

test('session outbox - a peer with several stages is closed once', (t) => {
  t.alike(
    closeMessages(setup, STAGES, 4).map((action) => action.type === 'send' && action.to),
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
    ['PEER_REFUSED', false],
    ['USAGE_BAD_VALUE', false]
  ]
  for (const [code, expected] of cases) t.is(isRepairable(new SwarmError(code, '')), expected, code)
})
