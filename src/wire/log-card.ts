// Flow C: where the logs of a peer are to be had. Their author signs the card, anybody passes it on, so that
// a third peer finds the logs of one that has gone. The signature covers the topic too: a card of one topic
// says nothing in another. Signing and checking are peer/identity.ts's, choosing among cards
// knowledge/store/card-book.ts's.

import { MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { fixed, hex, struct, whole } from './fields.ts'
import { decodeWhole, encodeWhole } from './whole-message.ts'

import type { PeerId } from './ids.ts'

/** The two logs that an author writes at a time. */
export interface LogPair {
  author: PeerId
  /** Rises when an author begins new logs because it lost a part of the old ones. */
  epoch: number
  /** Key of the Hypercore of basins, 64 hex digits. */
  basins: string
  /** Key of the Hypercore below the knowledge bee, 64 hex digits. */
  facts: string
}

export interface LogCard extends LogPair {
  /** ed25519 by the author over logStatement(). */
  signature: Uint8Array
}

const pair = {
  author: hex<PeerId>(32, 'the author of a log card'),
  epoch: whole(4, 0, 2 ** 32 - 1, 'the epoch of a log card'),
  basins: hex(32, 'the key of a basin log'),
  facts: hex(32, 'the key of a knowledge bee')
}
const pairField = struct<LogPair>(pair)

export const logCardField = struct<LogCard>({
  ...pair,
  signature: fixed(64, 'the signature of a log card')
})

const LABEL = Buffer.from('swarm logs 1')

/**
 * The bytes that an author signs: label, discovery key of the topic (32), author, epoch, keys.
 * @param topic discovery key, 32 bytes.
 */
export function logStatement(topic: Uint8Array, { author, epoch, basins, facts }: LogPair) {
  const fields = encodeWhole(pairField, { author, epoch, basins, facts })
  return Buffer.concat([LABEL, topic, fields])
}

/** @throws WIRE_BAD_FRAME when a value is outside its bounds. */
export function encodeLogCard(card: LogCard): Uint8Array {
  return encodeWhole(logCardField, card)
}

/** @throws WIRE_BAD_FRAME, WIRE_TOO_LARGE */
export function decodeLogCard(bytes: Uint8Array): LogCard {
  return decodeWhole(logCardField, bytes, MESSAGE_BYTES_MAX, 'a log card')
}
