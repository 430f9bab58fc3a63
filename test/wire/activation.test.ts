import test from 'brittle'

import { CHUNK_TOKENS_MAX, DIM_MAX, DRAFT_TOKENS_MAX } from '../../src/base/limits.ts'
import {
  ACTIVATION_HEADER_BYTES,
  activationBytes,
  decodeSessionMessage,
  encodeSessionMessage,
  readDraft,
  writeActivationHeader,
  writeDraft
} from '../../src/wire/session-codec.ts'
import { refusal, sample, type Of } from '../helpers/session-messages.ts'

test('activation - the header is laid out as documented', (t) => {
  const header = {
    session: '000102030405060708090a0b0c0d0e0f' as Of<'activation'>['session'],
    epoch: 0x01020304,
    position: 0x00050607,
    index: 3,
    stop: 63,
    nTokens: 0x0123,
    dim: 0x89,
    sample: true,
    drafted: false,
    company: 5
  }
  const target = new Uint8Array(ACTIVATION_HEADER_BYTES)
  writeActivationHeader(header, target)
  t.is(
    Buffer.from(target).toString('hex'),
    '0415230104030201000102030405060708090a0b0c0d0e0f070605038900003f'
  )
})

test('activation - the ids of a draft follow its rows', (t) => {
  const shape = { nTokens: 3, dim: 2, sample: true, drafted: true, position: 7 }
  const payload = new Uint8Array(activationBytes(shape))
  t.is(payload.byteLength, 3 * 2 * 4 + 2 * 4)
  const message = { ...sample('activation'), ...shape, payload }
  writeDraft(message, Int32Array.of(70_000, 5), payload)
  const decoded = decodeSessionMessage(encodeSessionMessage(message)) as Of<'activation'>
  t.alike(readDraft(decoded), Int32Array.of(70_000, 5))
  t.alike(payload.subarray(24), Uint8Array.of(0x70, 0x11, 1, 0, 5, 0, 0, 0), 'little-endian')
  t.is(readDraft({ ...message, drafted: false }), null)
})

test('activation - the payload is a view of the frame at any alignment', (t) => {
  const message = sample('activation')
  const frame = encodeSessionMessage(message)
  for (const offset of [0, 1, 2, 3, 7]) {
    const memory = new Uint8Array(frame.byteLength + offset)
    memory.set(frame, offset)
    const decoded = decodeSessionMessage(memory.subarray(offset)) as Of<'activation'>
    t.is(decoded.payload.buffer, memory.buffer)
    t.is(decoded.payload.byteOffset, offset + ACTIVATION_HEADER_BYTES)
    t.alike(decoded.payload, message.payload)
  }
})

test('activation - the payload is plain bytes whatever the frame came in', (t) => {
  const message = sample('activation')
  const frame = Buffer.from(encodeSessionMessage(message))
  const decoded = decodeSessionMessage(frame) as Of<'activation'>
  t.is(decoded.payload.constructor, Uint8Array)
  t.is(decoded.payload.buffer, frame.buffer, 'and still a view')
  t.alike(decoded, message)
})

test('activation - one with other than its own bytes is refused', (t) => {
  const stop = 63
  const header = (nTokens: number, dim: number, flags = 0, epoch = 1) => {
    const frame = new Uint8Array(ACTIVATION_HEADER_BYTES + 4 * 8)
    const shape = { position: 0, nTokens: 2, dim: 4, stop, drafted: false, company: 0 }
    writeActivationHeader({ ...sample('activation'), ...shape }, frame)
    const view = new DataView(frame.buffer)
    view.setUint8(1, flags)
    view.setUint16(2, nTokens, true)
    view.setUint32(4, epoch, true)
    view.setUint32(28, dim + stop * 2 ** 24, true)
    return refusal(frame)
  }
  t.is(header(2, 4), null, 'exact')
  t.is(header(4, 2), null, 'another shape of the same size')
  t.is(header(2, 5), 'WIRE_BAD_FRAME', 'wider')
  t.is(header(1, 4), 'WIRE_BAD_FRAME', 'fewer tokens')
  t.is(header(0, 4), 'WIRE_BAD_FRAME', 'no tokens')
  t.is(header(2, 0), 'WIRE_BAD_FRAME', 'no width')
  t.is(header(CHUNK_TOKENS_MAX + 1, 4), 'WIRE_BAD_FRAME', 'too many tokens')
  t.is(header(1, DIM_MAX + 1), 'WIRE_BAD_FRAME', 'too wide')
  t.is(header(1, 2 ** 24 - 1), 'WIRE_BAD_FRAME', 'as wide as can be written')
  t.is(header(CHUNK_TOKENS_MAX, DIM_MAX), 'WIRE_TOO_LARGE', 'too many bytes')
  t.is(header(2, 4, 2), 'WIRE_BAD_FRAME', 'a draft without sampling')
  t.is(header(2, 4, 3), 'WIRE_BAD_FRAME', 'a draft without its ids')
  t.is(header(1, 8, 3), 'WIRE_BAD_FRAME', 'a draft of nothing')
  t.is(header(2 + DRAFT_TOKENS_MAX, 4, 3), 'WIRE_BAD_FRAME', 'too long a draft')
  t.is(header(2, 4, 0xfc), null, 'with as many others as can be told')
  t.is(header(2, 4, 0, 0), 'WIRE_BAD_FRAME', 'epoch 0')
})
