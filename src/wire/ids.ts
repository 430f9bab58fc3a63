// The names that cross the network and key every table: peers and sessions. Owns their text form and
// the checks on it; the bytes are written by the codecs.

import { SwarmError } from '../base/errors.ts'
import { toHex } from '../base/text.ts'

/** Public ed25519 key of a peer, 64 lower-case hex digits. Sorting the text sorts the keys. */
export type PeerId = string & { readonly brand: 'PeerId' }

/** 16 random bytes that name one generation, 32 lower-case hex digits. */
export type SessionId = string & { readonly brand: 'SessionId' }

/** @throws WIRE_BAD_FRAME when the text is not 64 lower-case hex digits. */
export function toPeerId(text: string): PeerId {
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new SwarmError('WIRE_BAD_FRAME', 'a peer key is 64 hexadecimal digits')
  }
  return text as PeerId
}

export function peerIdOf(publicKey: Uint8Array): PeerId {
  return toPeerId(toHex(publicKey))
}

/** @throws WIRE_BAD_FRAME when there are not 16 bytes. */
export function sessionIdOf(bytes: Uint8Array): SessionId {
  if (bytes.byteLength !== 16) {
    throw new SwarmError('WIRE_BAD_FRAME', 'a session id is 16 bytes')
  }
  return toHex(bytes) as SessionId
}

/** The few digits of a key that fit a line; enough to tell twenty peers apart. */
export function shortId(id: PeerId | SessionId): string {
  return id.slice(0, 8)
}
