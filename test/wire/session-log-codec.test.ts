import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import {
  CONTEXT_TOKENS_MAX,
  LOGIT_BIAS_MAX,
  LOG_CHUNK_IDS_MAX,
  MESSAGE_BYTES_MAX,
  ROUTE_STAGES_MAX,
  SESSIONS_MAX,
  STOP_IDS_MAX,
  STOP_TEXTS_MAX,
  STOP_TEXT_CHARS_MAX
} from '../../src/base/limits.ts'
import { seededRandom } from '../../src/base/random.ts'
import { decodeSessionMessage, encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { randomMessage } from '../helpers/session-messages.ts'

import type { SessionMessage } from '../../src/wire/session.ts'

type Of<T extends SessionMessage['type']> = Extract<SessionMessage, { type: T }>

function sample<T extends SessionMessage['type']>(type: T, seed = 1): Of<T> {
  return randomMessage(seededRandom(seed), type) as Of<T>
}

function refusal(act: () => unknown): string | null {
  try {
    act()
    return null
  } catch (error) {
    return error instanceof SwarmError ? error.code : String(error)
  }
}

const WIDE = { endTokens: CONTEXT_TOKENS_MAX, promptTokens: 1, position: 0 }

function log(changes: Partial<Of<'log'>>): SessionMessage {
  return { ...sample('log'), ...WIDE, ids: new Int32Array(1), ...changes }
}

function listed(count: number): SessionMessage {
  const { session, origin, modelId } = {
    session: sample('close').session,
    origin: sample('open').route[0]!.peer,
    modelId: sample('open').modelId
  }
  const one = { session, origin, modelId, epoch: 1, state: 'orphan' as const }
  const figures = { promptTokens: 1, tokens: 0, ageMs: 0 }
  return { type: 'listed', sessions: Array.from({ length: count }, () => ({ ...one, ...figures })) }
}

test('session log codec - every list is accepted at its bound and refused one above', (t) => {
  // Name, bound, message with n items, and where its count is (from the end when negative).
  const lists: [string, number, (n: number) => SessionMessage, number][] = [
    [
      'ids',
      LOG_CHUNK_IDS_MAX,
      (n) => log({ ids: new Int32Array(n) }),
      -(4 * LOG_CHUNK_IDS_MAX + 2)
    ],
    ['stop texts', STOP_TEXTS_MAX, (n) => log({ stops: Array.from({ length: n }, () => '') }), 37],
    ['sessions', SESSIONS_MAX, listed, 1]
  ]
  for (const [name, most, make, offset] of lists) {
    const frame = encodeSessionMessage(make(most))
    t.is(
      refusal(() => decodeSessionMessage(frame)),
      null,
      `${most} ${name}`
    )
    t.is(
      refusal(() => encodeSessionMessage(make(most + 1))),
      'WIRE_TOO_LARGE'
    )
    const view = new DataView(frame.buffer, offset < 0 ? frame.byteLength + offset : offset)
    t.is(view.getUint16(0, true), most, `count of ${name}`)
    view.setUint16(0, most + 1, true)
    t.is(
      refusal(() => decodeSessionMessage(frame)),
      'WIRE_TOO_LARGE'
    )
  }
})

test('session log codec - a part outside of its log is refused, written or read', (t) => {
  const ids = new Int32Array(4)
  const wrong: [string, Partial<Of<'log'>>][] = [
    ['behind the end', { ids, endTokens: 5, position: 2 }],
    ['a prompt longer than the log', { ids, endTokens: 4, promptTokens: 5 }],
    ['no ids', { ids: new Int32Array(0) }],
    ['no prompt', { ids, promptTokens: 0 }],
    ['a stop text that is too long', { ids, stops: ['€'.repeat(STOP_TEXT_CHARS_MAX + 1)] }]
  ]
  for (const [name, changes] of wrong) {
    t.ok(refusal(() => encodeSessionMessage(log(changes)))?.startsWith('WIRE_'), name)
  }
  const frame = encodeSessionMessage(log({ ids, endTokens: 4, stops: [] }))
  const view = new DataView(frame.buffer)
  t.is(view.getUint32(25, true), 4, 'the ids of the log')
  view.setUint32(25, 3, true)
  t.is(
    refusal(() => decodeSessionMessage(frame)),
    'WIRE_BAD_FRAME'
  )
})

test('session log codec - the largest part of the largest session fits a message', (t) => {
  const recalled = sample('recalled')
  const [stage] = recalled.route
  const { byteLength } = encodeSessionMessage({
    ...recalled,
    route: Array.from({ length: ROUTE_STAGES_MAX }, (_, start) => {
      return { peer: stage!.peer, start, end: start + 1 }
    }),
    sampling: {
      ...recalled.sampling,
      bias: Array.from({ length: LOGIT_BIAS_MAX }, () => ({ id: 1, value: 2 }))
    },
    stopIds: Array.from({ length: STOP_IDS_MAX }, () => 1),
    // Three bytes each.
    stops: Array.from({ length: STOP_TEXTS_MAX }, () => '€'.repeat(STOP_TEXT_CHARS_MAX)),
    ...WIDE,
    ids: new Int32Array(LOG_CHUNK_IDS_MAX)
  })
  t.ok(byteLength > 50_000 && byteLength <= MESSAGE_BYTES_MAX, `${byteLength} bytes`)
})
