// The first bytes on every connection, before hello: a proof that the sender knows the topic. It is a
// MAC under the topic's proof key over the Noise handshake hash, the sender's role and the version of
// the protocol that it speaks, so it is worth nothing on another connection (relay), nothing in the other
// direction (reflection), and nobody between can make the two agree on another version (downgrade).
// The version is inside the MAC and not beside it: a stranger does not even learn that.
// HMAC-SHA-256 because it is a standard construction in node:crypto; hypercore-crypto exposes no keyed
// hash of free input, and one MAC per connection need not be fast.

import { createHmac, timingSafeEqual } from 'node:crypto'

import { PROTOCOL_VERSION } from './hello.ts'

export const PROOF_BYTES = 32

/** Versions of the protocol that a proof is tried for, so that two members learn which ones met. */
const VERSIONS_TRIED = 32

/** What a connection to the port of a peer may be for: a link, or a lane beside one. */
export const PROOF_USES = ['link', 'lane'] as const
/** Also a measurement of a cable, which has a port of its own. */
export type ProofUse = (typeof PROOF_USES)[number] | 'probe'

/**
 * @param proofKey 32 bytes derived from the topic.
 * @param handshakeHash of this very Noise handshake; both ends see the same.
 * @param initiator whether the sender of the proof opened the connection.
 * @param version of the protocol that the sender speaks.
 * @returns PROOF_BYTES bytes.
 */
export function proofOf(
  proofKey: Uint8Array,
  handshakeHash: Uint8Array,
  use: ProofUse,
  initiator: boolean,
  version = PROTOCOL_VERSION
): Uint8Array {
  return createHmac('sha256', proofKey)
    .update(`swarm proof 1 ${use} ${initiator ? 'initiator' : 'responder'} protocol ${version} `)
    .update(handshakeHash)
    .digest()
}

/**
 * Compares in constant time. What is no proof of our version costs a MAC for each version tried, some
 * hundred microseconds in all.
 * @param initiator whether the sender of the proof opened the connection.
 * @returns the version of the protocol that the sender speaks; null when this is no proof.
 */
export function versionOfProof(
  received: Uint8Array,
  proofKey: Uint8Array,
  handshakeHash: Uint8Array,
  use: ProofUse,
  initiator: boolean
): number | null {
  if (received.byteLength !== PROOF_BYTES) return null
  const isOf = (version: number) =>
    timingSafeEqual(received, proofOf(proofKey, handshakeHash, use, initiator, version))
  if (isOf(PROTOCOL_VERSION)) return PROTOCOL_VERSION
  for (let version = 1; version <= VERSIONS_TRIED; version++) if (isOf(version)) return version
  return null
}

/** What a connection is for, by the first message of its initiator; null when that is no proof. */
export function useOf(
  received: Uint8Array,
  proofKey: Uint8Array,
  handshakeHash: Uint8Array
): (typeof PROOF_USES)[number] | null {
  const isFor = (use: ProofUse) =>
    versionOfProof(received, proofKey, handshakeHash, use, true) !== null
  return PROOF_USES.find(isFor) ?? null
}
