// The first bytes on every connection, before hello: a proof that the sender knows the topic. It is a
// MAC under the topic's proof key over the Noise handshake hash and the sender's role, so it is worth
// nothing on another connection (relay) and nothing in the other direction (reflection).
// HMAC-SHA-256 because it is a standard construction in node:crypto; hypercore-crypto exposes no keyed
// hash of free input, and one MAC per connection need not be fast.

import { createHmac, timingSafeEqual } from 'node:crypto'

export const PROOF_BYTES = 32

/** Which connection a proof belongs to: the link itself, or a lane beside it. */
export const PROOF_USES = ['link', 'lane'] as const
export type ProofUse = (typeof PROOF_USES)[number]

/**
 * @param proofKey 32 bytes derived from the topic.
 * @param handshakeHash of this very Noise handshake; both ends see the same.
 * @param initiator whether the sender of the proof opened the connection.
 * @returns PROOF_BYTES bytes.
 */
export function proofOf(
  proofKey: Uint8Array,
  handshakeHash: Uint8Array,
  use: ProofUse,
  initiator: boolean
): Uint8Array {
  return createHmac('sha256', proofKey)
    .update(`swarm proof 1 ${use} ${initiator ? 'initiator' : 'responder'} `)
    .update(handshakeHash)
    .digest()
}

/** Compares in constant time; a message of another length is no proof. */
export function isProof(received: Uint8Array, expected: Uint8Array): boolean {
  return received.byteLength === expected.byteLength && timingSafeEqual(received, expected)
}

/** What a connection is for, by the first message of its initiator; null when that is no proof. */
export function useOf(
  received: Uint8Array,
  proofKey: Uint8Array,
  handshakeHash: Uint8Array
): ProofUse | null {
  const isFor = (use: ProofUse) => isProof(received, proofOf(proofKey, handshakeHash, use, true))
  return PROOF_USES.find(isFor) ?? null
}
