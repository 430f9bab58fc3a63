import test, { type Test } from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import {
  CHUNK_TOKENS_MAX,
  CONTEXT_TOKENS_MAX,
  DRAFT_TOKENS_MAX,
  ERROR_CODE_CHARS_MAX,
  ERROR_TEXT_BYTES_MAX,
  LAYERS_MAX,
  LOGIT_BIAS_MAX,
  MESSAGE_BYTES_MAX,
  ROUTE_STAGES_MAX,
  STOP_IDS_MAX,
  VOCAB_MAX
} from '../../src/base/limits.ts'
import { below, seededRandom, type Random } from '../../src/base/random.ts'
import { decodeSessionMessage, encodeSessionMessage } from '../../src/wire/session-codec.ts'
import { MESSAGE_TYPES, randomMessage, refusal, sample } from '../helpers/session-messages.ts'

import type { SessionMessage } from '../../src/wire/session.ts'

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

test('session codec - every message survives the round trip', (t) => {
  const random = seededRandom(11)
  for (let i = 0; i < 1500; i++) {
    const message = randomMessage(random)
    const frame = encodeSessionMessage(message)
    const decoded = decodeSessionMessage(frame)
    if (!equal(encodeSessionMessage(decoded), frame)) t.fail(`round trip ${i} of ${message.type}`)
    if (i < 200) t.alike(decoded, message)
  }
  t.pass()
})

test('session codec - the generated messages spread over types, flags and bounds', (t) => {
  const random = seededRandom(11)
  const seen = new Set<string>()
  const sessions = new Set<string>()
  for (let i = 0; i < 1500; i++) {
    const message = randomMessage(random)
    sessions.add('session' in message ? message.session : `none ${i}`)
    seen.add(message.type)
    if (message.type === 'open') {
      seen.add(`${message.kvType} ${message.route.length} ${message.sampling.bias.length}`)
      seen.add(`stops ${message.stopIds.length}`)
    }
    if (message.type === 'token') seen.add(message.finish).add(`tokens ${message.tokens.length}`)
    if (message.type === 'ids') seen.add(`ids ${message.ids.length} ${message.sample}`)
    if (message.type === 'activation') seen.add(`activation ${message.sample} ${message.drafted}`)
    if (message.type === 'failed') seen.add(message.code)
  }
  for (const type of MESSAGE_TYPES) t.ok(seen.has(type), type)
  for (const word of ['none', 'stop', 'length', 'tokens 1', `tokens ${1 + DRAFT_TOKENS_MAX}`]) {
    t.ok(seen.has(word), word)
  }
  for (const flags of ['true true', 'true false', 'false false']) {
    t.ok(seen.has(`activation ${flags}`), flags)
  }
  t.ok(seen.has(`ids ${CHUNK_TOKENS_MAX} true`) && seen.has('ids 1 false'))
  t.ok([...seen].some((word) => word.startsWith(`f16 ${ROUTE_STAGES_MAX} `)))
  t.ok([...seen].some((word) => word.startsWith('f32 1 ')))
  t.ok(seen.has(`stops ${STOP_IDS_MAX}`) && seen.has('stops 0'))
  t.is(sessions.size, 1500)
})

test('session codec - a message cut at any byte, or with one byte more, is refused', (t) => {
  for (const type of MESSAGE_TYPES) {
    for (const seed of [1, 2, 3]) {
      const frame = encodeSessionMessage(sample(type, seed))
      const wrong: number[] = []
      for (let cut = 0; cut < frame.byteLength; cut++) {
        if (!refusal(frame.subarray(0, cut))?.startsWith('WIRE_')) wrong.push(cut)
      }
      const longer = new Uint8Array(frame.byteLength + 1)
      longer.set(frame)
      if (refusal(longer) !== 'WIRE_BAD_FRAME') wrong.push(frame.byteLength + 1)
      t.alike(wrong, [], `${type} ${seed}`)
    }
  }
})

test('session codec - every list is accepted at its bound and refused one above', (t) => {
  const open = sample('open')
  const stage = (i: number) => ({ ...open.route[0]!, start: i, end: i + 1 })
  const bias = (n: number) => Array.from({ length: n }, () => ({ id: 1, value: 2 }))
  // Name, bound, message with n items, and where its count is (from the end when negative).
  const lists: [string, number, (n: number) => SessionMessage, number][] = [
    [
      'stages of a route',
      ROUTE_STAGES_MAX,
      (n) => ({ ...open, index: 0, route: Array.from({ length: n }, (_, i) => stage(i)) }),
      30
    ],
    [
      'logit biases',
      LOGIT_BIAS_MAX,
      (n) => ({ ...open, stopIds: [], sampling: { ...open.sampling, bias: bias(n) } }),
      -(1 + 4 + 2 + 4 + 8 + 12 * LOGIT_BIAS_MAX + 2)
    ],
    [
      'stop ids',
      STOP_IDS_MAX,
      (n) => ({ ...open, stopIds: Array.from({ length: n }, () => 3) }),
      -(1 + 4 + 4 * STOP_IDS_MAX + 2)
    ],
    [
      'ids of a chunk',
      CHUNK_TOKENS_MAX,
      (n) => ({ ...sample('ids'), position: 0, ids: new Int32Array(n).fill(5) }),
      27
    ],
    [
      'tokens',
      1 + DRAFT_TOKENS_MAX,
      (n) => ({
        ...sample('token'),
        position: 0,
        tokens: Array.from({ length: n }, () => ({ id: 5, logitsHash: '00'.repeat(8) }))
      }),
      26
    ],
    [
      'characters of a code',
      ERROR_CODE_CHARS_MAX,
      (n) => ({ ...sample('failed'), peer: null, code: 'A'.repeat(n) }),
      22
    ],
    [
      'bytes of an error text',
      ERROR_TEXT_BYTES_MAX,
      (n) => ({ ...sample('failed'), text: 'é'.repeat(n >> 1) + 'e'.repeat(n & 1) }),
      -(ERROR_TEXT_BYTES_MAX + 2)
    ]
  ]
  for (const [name, most, make, offset] of lists) {
    const frame = encodeSessionMessage(make(most))
    t.is(refusal(frame), null, `${most} ${name}`)
    t.exception(
      () => encodeSessionMessage(make(most + 1)),
      /more than/,
      `${most + 1} ${name} written`
    )
    const view = new DataView(frame.buffer, offset < 0 ? frame.byteLength + offset : offset)
    t.is(view.getUint16(0, true), most, `count of ${name}`)
    view.setUint16(0, most + 1, true)
    t.is(refusal(frame), 'WIRE_TOO_LARGE', `${most + 1} ${name} read`)
  }
})

test('session codec - no list may be empty that must not be', (t) => {
  const open = encodeSessionMessage({ ...sample('open'), index: 0 })
  new DataView(open.buffer).setUint16(30, 0, true)
  t.is(refusal(open), 'WIRE_BAD_FRAME')
  t.exception(() => encodeSessionMessage({ ...sample('open'), route: [] }), /is not one of the 0/)
  t.exception(() => encodeSessionMessage({ ...sample('ids'), ids: new Int32Array(0) }), /no ids/)
})

test('session codec - numbers outside their bounds are refused when written', (t) => {
  const open = sample('open')
  const { sampling } = open
  const token = sample('token')
  const logitsHash = '00'.repeat(8)
  const ids = sample('ids')
  const wrong: [string, SessionMessage][] = [
    ['epoch 0', { ...token, epoch: 0 }],
    ['epoch of 33 bits', { ...token, epoch: 2 ** 32 }],
    ['position beyond every context', { ...token, position: CONTEXT_TOKENS_MAX + 1 }],
    ['half a position', { ...token, position: 0.5 }],
    ['id beyond every vocabulary', { ...token, tokens: [{ id: VOCAB_MAX, logitsHash }] }],
    ['negative id', { ...token, tokens: [{ id: -1, logitsHash }] }],
    ['id in a chunk beyond every vocabulary', { ...ids, ids: new Int32Array([VOCAB_MAX]) }],
    ['negative id in a chunk', { ...ids, ids: new Int32Array([-1]) }],
    ['chunk that ends beyond every context', { ...ids, position: CONTEXT_TOKENS_MAX }],
    ['index beyond the route', { ...open, index: open.route.length }],
    ['context 0', { ...open, contextTokens: 0 }],
    ['context beyond the bound', { ...open, contextTokens: CONTEXT_TOKENS_MAX + 1 }],
    ['end beyond the context', { ...open, positionEnd: open.contextTokens + 1 }],
    ['start at the end', { ...open, position: open.positionEnd }],
    ['NaN temperature', { ...open, sampling: { ...sampling, temperature: NaN } }],
    ['infinite temperature', { ...open, sampling: { ...sampling, temperature: Infinity } }],
    ['negative temperature', { ...open, sampling: { ...sampling, temperature: -1 } }],
    ['topP above 1', { ...open, sampling: { ...sampling, topP: 1.001 } }],
    ['minP below 0', { ...open, sampling: { ...sampling, minP: -0.001 } }],
    ['topK beyond every vocabulary', { ...open, sampling: { ...sampling, topK: VOCAB_MAX + 1 } }],
    ['seed of 2^53', { ...open, sampling: { ...sampling, seed: 2 ** 53 } }],
    ['infinite bias', { ...open, sampling: { ...sampling, bias: [{ id: 0, value: -Infinity }] } }],
    ['short plan hash', { ...open, planHash: 'abc' }],
    ['capital digits', { ...open, modelId: 'AB'.repeat(32) }],
    ['code in small letters', { ...sample('failed'), code: 'stage_full' }],
    ['no code', { ...sample('failed'), code: '' }]
  ]
  for (const [name, message] of wrong) {
    t.exception(() => encodeSessionMessage(message), /is|are|beyond|fit|made/, name)
  }
})

test('session codec - a route with a hole, an overlap or an empty stage is refused', (t) => {
  const open = sample('open')
  const peer = open.route[0]!.peer
  const wrong = [
    [{ peer, start: 1, end: 2 }],
    [
      { peer, start: 0, end: 2 },
      { peer, start: 3, end: 4 }
    ],
    [
      { peer, start: 0, end: 2 },
      { peer, start: 1, end: 4 }
    ],
    [
      { peer, start: 0, end: 2 },
      { peer, start: 2, end: 2 }
    ],
    [{ peer, start: 0, end: LAYERS_MAX + 1 }]
  ]
  for (const route of wrong) {
    t.exception(() => encodeSessionMessage({ ...open, index: 0, route }), /must follow|not a whole/)
  }
})

test('session codec - out of range values are refused when read', (t) => {
  const patched = (type: SessionMessage['type'], offset: number, bytes: number[]) => {
    const frame = encodeSessionMessage(sample(type))
    frame.set(bytes, offset < 0 ? frame.byteLength + offset : offset)
    return refusal(frame)
  }
  t.is(patched('opened', 0, [0]), 'WIRE_UNKNOWN_TYPE', 'type 0')
  t.is(patched('opened', 0, [19]), 'WIRE_UNKNOWN_TYPE', 'type 19')
  t.is(patched('opened', 17, [0, 0, 0, 0]), 'WIRE_BAD_FRAME', 'epoch 0')
  t.is(patched('opened', 21, [ROUTE_STAGES_MAX]), 'WIRE_BAD_FRAME', 'index')
  t.is(patched('token', 21, [1, 0, 16, 0]), 'WIRE_BAD_FRAME', 'position 2^20 + 1')
  t.is(patched('token', 28, [0, 0, 16, 0]), 'WIRE_BAD_FRAME', 'id 2^20')
  t.is(patched('token', 25, [3]), 'WIRE_BAD_FRAME', 'finish reason 3')
  t.is(patched('ids', 26, [2]), 'WIRE_BAD_FRAME', 'sample flag 2')
  t.is(patched('closed', -8, [0, 0, 0, 0, 0, 0, 32, 0]), 'WIRE_BAD_FRAME', 'time of 2^53 us')
  t.is(patched('failed', 21, [2]), 'WIRE_BAD_FRAME', 'half a peer')
  t.is(patched('failed', 21, [0, 1, 0, 0x61]), 'WIRE_BAD_FRAME', 'code with a small letter')
  const failed = encodeSessionMessage({ ...sample('failed'), text: 'abc' })
  failed[failed.byteLength - 1] = 0xff
  t.is(refusal(failed), 'WIRE_BAD_FRAME', 'text that is not UTF-8')
})

test('session codec - the largest messages fit the bound of a message', (t) => {
  let largest = 0
  const random = seededRandom(3)
  for (let i = 0; i < 400; i++) {
    const { byteLength } = encodeSessionMessage(randomMessage(random, 'open'))
    largest = Math.max(largest, byteLength)
  }
  t.ok(largest > 6000 && largest <= MESSAGE_BYTES_MAX, `${largest} bytes`)
  const huge = new Uint8Array(MESSAGE_BYTES_MAX + 1)
  huge[0] = 1
  t.is(refusal(huge), 'WIRE_TOO_LARGE')
  t.is(refusal(new Uint8Array(0)), 'WIRE_BAD_FRAME')
})

test('session codec - mutated frames are refused or mean exactly their bytes', (t) => {
  const seed = 20261120
  const random = seededRandom(seed)
  const outcome = { refused: 0, accepted: 0 }
  for (let i = 0; i < 30_000; i++) fuzzOnce(t, random, `seed ${seed}, round ${i}`, outcome)
  t.ok(outcome.refused > 5000, `${outcome.refused} refused`)
  t.ok(outcome.accepted > 2000, `${outcome.accepted} accepted`)
})

function fuzzOnce(
  t: Test,
  random: Random,
  name: string,
  outcome: { refused: number; accepted: number }
): void {
  const frame = mutate(random, encodeSessionMessage(randomMessage(random)))
  let message: SessionMessage
  try {
    message = decodeSessionMessage(frame)
  } catch (error) {
    if (!(error instanceof SwarmError) || error.family !== 'WIRE') t.fail(`${name}: ${error}`)
    outcome.refused++
    return
  }
  outcome.accepted++
  if (!equal(encodeSessionMessage(message), frame)) t.fail(`${name}: ${message.type} re-encodes`)
}

/** One to three of: a flipped bit, a random byte, an extreme byte, a cut, a repeated part. */
function mutate(random: Random, original: Uint8Array): Uint8Array {
  let frame = Uint8Array.from(original)
  for (let rounds = 1 + below(random, 3); rounds > 0; rounds--) {
    const at = below(random, Math.min(frame.byteLength, 64) || 1)
    const anywhere = below(random, frame.byteLength || 1)
    switch (below(random, 6)) {
      case 0:
        frame[at] = (frame[at] ?? 0) ^ (1 << below(random, 8))
        break
      case 1:
        frame[anywhere] = below(random, 256)
        break
      case 2:
        frame[anywhere] = below(random, 2) * 255
        break
      case 3:
        if (below(random, 4) === 0) frame = frame.slice(0, anywhere)
        break
      case 4:
        if (below(random, 4) === 0) {
          frame = Uint8Array.from([...frame.subarray(0, anywhere), ...frame.subarray(at)])
        }
        break
      case 5:
        frame[anywhere] = (frame[anywhere] ?? 0) + 1
        break
    }
  }
  return frame
}
