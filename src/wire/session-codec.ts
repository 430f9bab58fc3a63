// Flow A and B, bytes <-> session messages. A frame is one message: its type in the first byte, and
// nothing before or after it. Whatever decodes is within every bound of base/limits.ts and encodes to
// the same bytes again; anything else is a WIRE_ error and nothing was allocated for it.
// Does not know who may send what in which state: that is pipeline/stage-host.ts and session.ts.

import { SwarmError } from '../base/errors.ts'
import {
  ACTIVATION_BYTES_MAX,
  CHUNK_TOKENS_MAX,
  CONTEXT_TOKENS_MAX,
  DIM_MAX,
  DRAFT_TOKENS_MAX,
  MESSAGE_BYTES_MAX,
  ROUTE_STAGES_MAX
} from '../base/limits.ts'
import { fromHex, toHex } from '../base/text.ts'
import { badFrame } from './fields.ts'
import { ACTIVATION_NUMBER, BODIES, checkSpan, checkStop } from './session-messages.ts'
import { U32_MAX } from './session-fields.ts'
import { decodeWhole, encodeWhole, oneMessageOf } from './whole-message.ts'

import type { SessionId } from './ids.ts'
import type { ActivationHeader, ActivationMessage, SessionMessage } from './session.ts'

/**
 * Size of an activation's header: type u8, flags u8 (bit 0 = sample, bit 1 = drafted, the rest = company),
 * nTokens u16, epoch u32, session 16 bytes, position u24, index u8, dim u24, stop u8, all little-endian. A
 * payload that follows it in an aligned buffer is aligned for every vector width up to 32 bytes.
 */
export const ACTIVATION_HEADER_BYTES = 32

const FLAG_SAMPLE = 1
const FLAG_DRAFTED = 2
const COMPANY_SHIFT = 2
/** More is told as so many: six bits. */
export const COMPANY_MAX = 63
const U24_MASK = 0xffffff

const others = oneMessageOf(BODIES, 'session message')

/**
 * The frame of a message. An activation is copied; the data plane uses writeActivationHeader instead.
 * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE when a value is outside its bounds.
 */
export function encodeSessionMessage(message: SessionMessage): Uint8Array {
  return message.type === 'activation' ? encodeActivation(message) : encodeWhole(others, message)
}

/**
 * The message of a frame from anybody. The payload of an activation is a view into the frame.
 * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_UNKNOWN_TYPE
 */
export function decodeSessionMessage(frame: Uint8Array): SessionMessage {
  return frame[0] === ACTIVATION_NUMBER
    ? decodeActivation(frame)
    : decodeWhole(others, frame, MESSAGE_BYTES_MAX, 'a session message')
}

/**
 * Writes the fixed header; the payload's bytes come behind it.
 * @param target at least ACTIVATION_HEADER_BYTES long.
 * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE
 */
export function writeActivationHeader(header: ActivationHeader, target: Uint8Array): void {
  checkActivation(header)
  const session = fromHex(header.session, 16)
  if (session === null) throw badFrame('a session id is 16 bytes')
  const view = new DataView(target.buffer, target.byteOffset, ACTIVATION_HEADER_BYTES)
  view.setUint8(0, ACTIVATION_NUMBER)
  const flags = (header.sample ? FLAG_SAMPLE : 0) | (header.drafted ? FLAG_DRAFTED : 0)
  view.setUint8(1, flags | (header.company << COMPANY_SHIFT))
  view.setUint16(2, header.nTokens, true)
  view.setUint32(4, header.epoch, true)
  target.set(session, 8)
  view.setUint32(24, header.position, true)
  view.setUint8(27, header.index)
  view.setUint32(28, header.dim, true)
  view.setUint8(31, header.stop)
}

/** Bytes of (nTokens, dim) f32. */
export function rowsBytes({ nTokens, dim }: { nTokens: number; dim: number }): number {
  return nTokens * dim * 4
}

/** Bytes of the payload that follows a header: its rows, then the ids that were drafted. */
export function activationBytes(
  header: Pick<ActivationHeader, 'nTokens' | 'dim' | 'drafted'>
): number {
  return rowsBytes(header) + (header.drafted ? 4 * (header.nTokens - 1) : 0)
}

/** Writes the drafted ids of a payload, behind its rows. */
export function writeDraft(header: ActivationHeader, draft: Int32Array, payload: Uint8Array): void {
  const view = new DataView(payload.buffer, payload.byteOffset + rowsBytes(header))
  for (const [i, id] of draft.entries()) view.setUint32(4 * i, id, true)
}

/** @returns (nTokens - 1,) the drafted ids of an activation, unchecked; null where it has none. */
export function readDraft(message: ActivationMessage): Int32Array | null {
  if (!message.drafted) return null
  const { payload, nTokens } = message
  const view = new DataView(payload.buffer, payload.byteOffset + rowsBytes(message))
  return Int32Array.from({ length: nTokens - 1 }, (_, i) => view.getInt32(4 * i, true))
}

function encodeActivation(message: ActivationMessage): Uint8Array {
  const frame = new Uint8Array(ACTIVATION_HEADER_BYTES + message.payload.byteLength)
  writeActivationHeader(message, frame)
  checkPayload(message, message.payload.byteLength)
  frame.set(message.payload, ACTIVATION_HEADER_BYTES)
  return frame
}

function decodeActivation(frame: Uint8Array): ActivationMessage {
  if (frame.byteLength < ACTIVATION_HEADER_BYTES) {
    throw badFrame(`an activation has ${frame.byteLength} bytes, fewer than its header`)
  }
  const view = new DataView(frame.buffer, frame.byteOffset, ACTIVATION_HEADER_BYTES)
  const flags = view.getUint8(1)
  // A view of its own, because frames of sockets are Buffers, whose methods differ.
  const payloadBytes = frame.byteLength - ACTIVATION_HEADER_BYTES
  const payload = new Uint8Array(
    frame.buffer,
    frame.byteOffset + ACTIVATION_HEADER_BYTES,
    payloadBytes
  )
  const message: ActivationMessage = {
    type: 'activation',
    session: toHex(frame.subarray(8, 24)) as SessionId,
    epoch: view.getUint32(4, true),
    index: view.getUint8(27),
    stop: view.getUint8(31),
    position: view.getUint32(24, true) & U24_MASK,
    nTokens: view.getUint16(2, true),
    dim: view.getUint32(28, true) & U24_MASK,
    sample: (flags & FLAG_SAMPLE) !== 0,
    drafted: (flags & FLAG_DRAFTED) !== 0,
    company: flags >> COMPANY_SHIFT,
    payload
  }
  checkActivation(message)
  checkPayload(message, payload.byteLength)
  return message
}

function checkActivation(header: ActivationHeader): void {
  const { nTokens, dim, epoch, position, index, stop, company } = header
  const sizeBytes = ACTIVATION_HEADER_BYTES + activationBytes(header)
  checkWhole(epoch, 1, U32_MAX, 'the epoch')
  checkWhole(position, 0, CONTEXT_TOKENS_MAX, 'the position')
  checkWhole(nTokens, 1, CHUNK_TOKENS_MAX, 'nTokens')
  checkWhole(dim, 1, DIM_MAX, 'dim')
  checkWhole(stop, 1, ROUTE_STAGES_MAX - 1, 'the last stage')
  checkWhole(index, 1, ROUTE_STAGES_MAX - 1, 'the stage')
  checkWhole(company, 0, COMPANY_MAX, 'the company')
  checkStop(index, stop)
  checkSpan(position, nTokens)
  if (header.drafted && (!header.sample || nTokens < 2 || nTokens > 1 + DRAFT_TOKENS_MAX)) {
    throw badFrame(`an activation of ${nTokens} positions cannot be a draft`)
  }
  if (sizeBytes > ACTIVATION_BYTES_MAX) {
    const text = `an activation of ${nTokens} x ${dim} has more than ${ACTIVATION_BYTES_MAX} bytes`
    throw new SwarmError('WIRE_TOO_LARGE', text)
  }
}

function checkPayload(header: ActivationHeader, sizeBytes: number): void {
  if (sizeBytes === activationBytes(header)) return
  throw badFrame(`an activation of ${header.nTokens} x ${header.dim} came with ${sizeBytes} bytes`)
}

function checkWhole(value: number, least: number, most: number, name: string): void {
  if (Number.isInteger(value) && least <= value && value <= most) return
  throw badFrame(`${name} of an activation is ${value}, not from ${least} to ${most}`)
}
