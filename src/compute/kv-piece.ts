// Flow A, keys and values outside a stage: the header in front of exported rows, which says what they
// are of, so that bytes of another model, format or place are refused before anything is done with
// them. docs/kv-format.md is the format's text. Knows no cache: native-stage.ts moves the rows.

import { SwarmError } from '../base/errors.ts'
import { CONTEXT_TOKENS_MAX, KV_PIECE_BYTES_MAX, LAYERS_MAX } from '../base/limits.ts'
import { fromHex, toHex } from '../base/text.ts'
import { KV_TYPES, type KvType } from '../wire/session.ts'
import { describeArithmetic } from './arithmetic.ts'

import type { KvSpan } from './stage.ts'

/** Size of the header; rows follow. */
export const KV_HEADER_BYTES = 68

const MAGIC = 0x564b5753 // 'SWKV' as it lies in the file
const FORMAT_VERSION = 1
const MODEL_ID_BYTES = 32

/** What every piece of one cache has in common. */
export interface KvShape {
  /** sessionArithmetic() of the cache. */
  arithmetic: number
  kvType: KvType
  nKvHeads: number
  headDim: number
}

/**
 * Writes the header of a piece into its first KV_HEADER_BYTES.
 * @throws WIRE_BAD_FRAME when the model id is not 64 hex digits.
 */
export function writeKvHeader(shape: KvShape, span: KvSpan, piece: Uint8Array): void {
  const modelId = fromHex(span.modelId, MODEL_ID_BYTES)
  if (modelId === null) throw bad('a model id has 64 hexadecimal digits')
  const view = new DataView(piece.buffer, piece.byteOffset, KV_HEADER_BYTES)
  view.setUint32(0, MAGIC, true)
  view.setUint16(4, FORMAT_VERSION, true)
  view.setUint16(6, KV_TYPES.indexOf(shape.kvType), true)
  const numbers = [
    shape.arithmetic,
    span.layers.start,
    span.layers.end,
    span.start,
    span.end,
    shape.nKvHeads,
    shape.headDim
  ]
  for (const [i, value] of numbers.entries()) view.setUint32(8 + 4 * i, value, true)
  piece.set(modelId, KV_HEADER_BYTES - MODEL_ID_BYTES)
}

/**
 * What a piece from anywhere says it is, once it is known to be of this model and shape.
 * @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE, WIRE_VERSION
 */
export function readKvHeader(shape: KvShape, modelId: string, piece: Uint8Array): KvSpan {
  if (piece.byteLength > KV_PIECE_BYTES_MAX) {
    const text = `keys and values came in ${piece.byteLength} bytes, more than ${KV_PIECE_BYTES_MAX}`
    throw new SwarmError('WIRE_TOO_LARGE', text)
  }
  if (piece.byteLength < KV_HEADER_BYTES) throw bad('they end within their header')
  const view = new DataView(piece.buffer, piece.byteOffset, KV_HEADER_BYTES)
  const number = (index: number) => view.getUint32(8 + 4 * index, true)
  if (view.getUint32(0, true) !== MAGIC) throw bad('they do not begin as keys and values do')
  const version = view.getUint16(4, true)
  if (version !== FORMAT_VERSION) {
    const formats = `of format ${version}, ${FORMAT_VERSION} is known here`
    throw new SwarmError('WIRE_VERSION', `keys and values are ${formats}: upgrade the older`)
  }
  const kvType = KV_TYPES[view.getUint16(6, true)]
  if (kvType !== shape.kvType) throw bad(`they are ${kvType ?? 'unknown'}, not ${shape.kvType}`)
  if (number(0) !== shape.arithmetic) {
    const [theirs, ours] = [number(0), shape.arithmetic].map(describeArithmetic)
    const text = `keys and values are of arithmetic ${theirs}, this session is of ${ours}`
    throw new SwarmError('WIRE_VERSION', text)
  }
  const foundId = toHex(piece.subarray(KV_HEADER_BYTES - MODEL_ID_BYTES, KV_HEADER_BYTES))
  if (foundId !== modelId) throw bad('they are of another model file')
  if (number(5) !== shape.nKvHeads || number(6) !== shape.headDim) {
    throw bad(`they have ${number(5)} heads of ${number(6)} elements, not those of the model`)
  }
  const span = {
    modelId,
    layers: { start: number(1), end: number(2) },
    start: number(3),
    end: number(4)
  }
  const { layers, start, end } = span
  const isSpan = layers.start < layers.end && layers.end <= LAYERS_MAX && start < end
  if (!isSpan || end > CONTEXT_TOKENS_MAX) {
    throw bad(`layers [${layers.start}, ${layers.end}), positions [${start}, ${end}) are no span`)
  }
  return span
}

function bad(why: string): SwarmError {
  return new SwarmError('WIRE_BAD_FRAME', `keys and values are damaged or foreign: ${why}`)
}
